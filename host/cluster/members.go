package cluster

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// maxClusterID bounds the id of a cluster, in bytes.
const maxClusterID = 128

// Bounds of what the first entry says.
const (
	maxFreshness = 24 * time.Hour
	maxCooldown  = 24 * time.Hour
)

// readFounding checks the first entry.
func readFounding(in *meshosv1.Founding, at time.Time) (mesh.AdmitNode, signerSet, error) {
	var none signerSet
	first, err := wire.AdmitNodeFromProto(in.GetNode())
	if err != nil {
		return first, none, err
	}
	command, err := wire.SetSignersFromProto(in.GetSigners())
	if err != nil {
		return first, none, err
	}
	switch id := in.GetClusterId(); {
	case id == "" || len(id) > maxClusterID:
		return first, none, fmt.Errorf("cluster_id must have 1 to %d bytes", maxClusterID)
	case first.Token() || !first.Seed || first.Replace:
		return first, none, errors.New("the first node of a mesh is a seed, and needs no token")
	}
	for _, d := range []struct {
		name string
		d    time.Duration
		ok   bool
	}{
		{"freshness", in.GetFreshness().AsDuration(), in.GetFreshness().IsValid() && in.GetFreshness().AsDuration() >= time.Second},
		{"cooldown", in.GetCooldown().AsDuration(), in.GetCooldown() == nil || in.GetCooldown().IsValid() && in.GetCooldown().AsDuration() >= 0},
	} {
		if !d.ok || d.d > max(maxFreshness, maxCooldown) {
			return first, none, fmt.Errorf("%s is %s", d.name, d.d)
		}
	}
	if strings.TrimSpace(command.AllowedSigners) == "" {
		return first, signerSet{command: command, height: 1}, nil
	}
	set, err := readSigners(command, at)
	return first, signerSet{command, set, 1}, err
}

// NewFounding returns the first entry of a mesh, still without its place, or what is wrong with
// it. So many entries are to follow it that NewFoundingChain makes.
func NewFounding(cluster string, first mesh.AdmitNode, commands mesh.SetSigners, policy rules.Policy, chains int, at time.Time) (*meshosv1.OrderedEntry, error) {
	in := foundingToProto(cluster, first, commands, policy)
	in.Chains = uint32(chains)
	if _, _, err := readFounding(in, at); err != nil {
		return nil, err
	}
	return &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Founding{Founding: in}}, nil
}

// NewFoundingChain returns an entry that sets a chain of the configuration of the first member.
func NewFoundingChain(ev mesh.SetChain) *meshosv1.OrderedEntry {
	return &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Event{Event: wire.EventToProto(mesh.AdminReceived{Event: ev, Reason: foundingReason})}}
}

// foundingReason is why such a chain is set.
const foundingReason = "in the configuration of the first node"

// fromFounding reports whether an order is one of those that the first entry announces.
func (s *State) fromFounding(ev mesh.AdminEvent) bool {
	_, is := ev.(mesh.SetChain)
	if !is || s.foundingChains == 0 {
		s.foundingChains = 0
		return false
	}
	s.foundingChains--
	return true
}

// found folds the first entry.
func (s *State) found(in *meshosv1.Founding, out *Outcome) {
	first, set, err := readFounding(in, s.at)
	if err != nil {
		return // it was checked
	}
	s.founding = s.head
	s.members[first.Node] = first
	s.policy.Cluster, s.policy.Freshness, s.policy.Cooldown = in.GetClusterId(), in.GetFreshness().AsDuration(), in.GetCooldown().AsDuration()
	s.takeSigners(set)
	s.foundingChains = in.GetChains()
	out.Members, out.Signers = true, true
	out.Order.Event, out.Order.Outcome = first, mesh.Verification{Verdict: mesh.VerdictUnverified}
}

// parseSigners reads who may command the mesh. Times without a zone are in UTC: the log means
// the same on every machine.
func parseSigners(in mesh.SetSigners) (*signers.Set, error) {
	return signers.Parse("allowed_signers", in.AllowedSigners, time.UTC)
}

// readSigners reads who may command the mesh, and returns an error if they are too few to do
// so.
func readSigners(in mesh.SetSigners, at time.Time) (*signers.Set, error) {
	set, err := parseSigners(in)
	if err != nil {
		return nil, err
	}
	need := int(max(1, in.NeedOrdinary, in.NeedBreakGlass, in.NeedThaw))
	if short, is := set.Short(need, at, at); is {
		return nil, fmt.Errorf("only %d different persons could sign, and %d have to: nobody could command the mesh any more", short.Have, need)
	}
	return set, nil
}

func (s *State) setSigners(ev mesh.SetSigners, out *Outcome) *rules.Rejection {
	set, err := readSigners(ev, s.at)
	if err != nil {
		return rules.Reject(KindSigners, "%v", err)
	}
	s.takeSigners(signerSet{ev, set, out.Place.Height})
	out.Signers = true
	return nil
}

func (s *State) takeSigners(set signerSet) {
	s.signers = set
	s.policy.Ordinary, s.policy.BreakGlass, s.policy.Thaw = int(set.command.NeedOrdinary), int(set.command.NeedBreakGlass), int(set.command.NeedThaw)
}

// admit makes a node a member, or opens a token.
func (s *State) admit(ev mesh.AdmitNode, out *Outcome) *rules.Rejection {
	_, is := s.members[ev.Node]
	if known := is || s.gone[ev.Node]; known != ev.Replace {
		if known {
			return rules.Reject(KindMembership, "id %d is that of a node that is or was a member; a machine that takes its place has to replace it", ev.Node)
		}
		return rules.Reject(KindMembership, "there is no node %d that could be replaced", ev.Node)
	}
	if _, open := s.tokens[ev.Node]; open && ev.Token() {
		return rules.Reject(KindMembership, "there is an open token for id %d; take another id, or take the token back with expel_node", ev.Node)
	}
	if ev.Token() {
		if !ev.Expires.After(s.at) {
			return rules.Reject(KindMembership, "the token would be over already, at %s", rules.Stamp(ev.Expires))
		}
		s.tokens[ev.Node] = ev
		return nil
	}
	return s.takeIn(ev, out)
}

// takeIn makes a node with keys a member.
func (s *State) takeIn(ev mesh.AdmitNode, out *Outcome) *rules.Rejection {
	for _, m := range s.members {
		if m.Node != ev.Node && (m.Key == ev.Key || m.LinkKey == ev.LinkKey) {
			return rules.Reject(KindMembership, "node %d has the same key: each machine makes its own, so the data directory was copied", m.Node)
		}
	}
	if !ev.Seed && s.lastSeed(ev.Node) {
		return rules.Reject(KindMembership, "node %d is the last seed: admit another seed first", ev.Node)
	}
	ev.Replace = false
	s.members[ev.Node] = ev
	delete(s.gone, ev.Node)
	delete(s.tokens, ev.Node)
	out.Members = true
	return nil
}

// lastSeed reports whether a node is the only seed.
func (s *State) lastSeed(id mesh.NodeID) bool {
	if !s.members[id].Seed {
		return false
	}
	for _, m := range s.members {
		if m.Seed && m.Node != id {
			return false
		}
	}
	return true
}

// expel ends a membership and takes an open token back.
func (s *State) expel(ev mesh.ExpelNode, out *Outcome) *rules.Rejection {
	_, member := s.members[ev.Node]
	_, token := s.tokens[ev.Node]
	switch {
	case !member && !token:
		return rules.Reject(KindUnknown, "node %d is no member of the mesh, and there is no token for it; `meshos nodes` lists the members", ev.Node)
	case s.lastSeed(ev.Node):
		return rules.Reject(KindMembership, "node %d is the last seed: admit another seed first", ev.Node)
	}
	delete(s.tokens, ev.Node)
	if member {
		delete(s.members, ev.Node)
		s.gone[ev.Node] = true
		s.forget(ev.Node)
		out.Members = true
	}
	return nil
}

// foldJoining makes a node a member that has a token.
func (s *State) foldJoining(in *meshosv1.Joining, v verified, out *Outcome) {
	var wrong error
	if v.wrong != nil {
		wrong = errors.New(v.wrong.Message)
	}
	rejection := s.checkJoining(in, wrong)
	if rejection == nil {
		ev, _ := admission(in) // it was checked
		ev.Seed, ev.Chains = s.tokens[ev.Node].Seed, s.tokens[ev.Node].Chains
		rejection = s.takeIn(ev, out)
		out.Order.Event = ev
		out.Order.Outcome = mesh.Verification{Verdict: mesh.VerdictUnverified}
	}
	if rejection != nil {
		out.Order.Outcome = rejection.Outcome()
	}
}

// checkJoining returns why a joining is not valid; wrong is what is wrong with its signatures.
func (s *State) checkJoining(in *meshosv1.Joining, wrong error) *rules.Rejection {
	ev, err := admission(in)
	if err != nil {
		return rules.Reject(mesh.RejectMalformed, "a joining: %v", err)
	}
	if _, open := s.tokens[ev.Node]; !open {
		return rules.Reject(KindMembership, "there is no open token for id %d: it was used, taken back, or is over; make another one with `meshos mesh token`", ev.Node)
	}
	if wrong != nil {
		return rules.Reject(rules.KindSignature, "%v", wrong)
	}
	return nil
}

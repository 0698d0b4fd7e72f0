package cluster

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// version is that of the encoded state. A version that gives it or the entries a field or a
// meaning raises it.
const version = 1

// Sum returns the hash of the state, its admin_state: equal for all who folded the same
// entries.
func (s *State) Sum() Hash {
	if s.sum == (Hash{}) && s.height > 0 {
		raw, err := s.Encode()
		if err != nil {
			return Hash{} // can't be: all of it came out of messages
		}
		s.sum = sha256.Sum256(raw)
	}
	return s.sum
}

// SignersSum returns the hash of who may command the mesh.
func (s *State) SignersSum() Hash {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(wire.SetSignersToProto(s.signers.command))
	if err != nil {
		return Hash{}
	}
	return sha256.Sum256(raw)
}

// Encode encodes the state. Equal states have equal encodings.
func (s *State) Encode() ([]byte, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(s.ToProto())
	if err != nil {
		return nil, fmt.Errorf("encode the state of the mesh: %w", err)
	}
	return raw, nil
}

// ToProto returns the state as a message.
func (s *State) ToProto() *meshosv1.ClusterState {
	out := &meshosv1.ClusterState{
		Version: version, Height: s.height, Head: s.head.bytes(), LogTime: timeOrAbsent(s.at), ClusterId: s.policy.Cluster,
		Founding: s.founding.bytes(), Freshness: durationpb.New(s.policy.Freshness), Cooldown: durationpb.New(s.policy.Cooldown),
		Signers: wire.SetSignersToProto(s.signers.command), SignersHeight: s.signers.height, FrozenUntil: timeOrAbsent(s.frozenUntil),
	}
	for _, m := range s.Members() {
		out.Members = append(out.Members, wire.AdmitNodeToProto(m))
	}
	for _, id := range slices.Sorted(maps.Keys(s.gone)) {
		out.Expelled = append(out.Expelled, uint64(id))
	}
	for _, t := range s.Tokens() {
		out.Tokens = append(out.Tokens, wire.AdmitNodeToProto(t))
	}
	for _, n := range slices.SortedFunc(maps.Keys(s.nonces), s.compareNonces) {
		out.Nonces = append(out.Nonces, &meshosv1.ClusterState_Nonce{IssuedAt: timestamppb.New(s.nonces[n]), Nonce: slices.Clone(n[:])})
	}
	for _, b := range slices.SortedFunc(maps.Keys(s.cooldowns), rules.CompareBuckets) {
		out.Cooldowns = append(out.Cooldowns, &meshosv1.ClusterState_Cooldown{
			Node: uint64(b.Node), Freeze: b.Freeze, Until: timestamppb.New(s.cooldowns[b]),
		})
	}
	for _, of := range slices.SortedFunc(maps.Keys(s.orders), compareSubjects) {
		o := s.orders[of]
		out.Orders = append(out.Orders, &meshosv1.ClusterState_Order{
			Subject: of.String(), Height: o.height, LogTime: timestamppb.New(o.at), Event: wire.AdminToProto(o.event), Operators: o.operators,
		})
	}
	for _, m := range s.marks {
		out.Marks = append(out.Marks, m.toProto())
	}
	if s.checkpoint.Height > 0 {
		out.Checkpoint, out.CheckpointHeight = s.checkpoint.toProto(), s.checkpointAt
	}
	out.Recovered, out.FoundingChains = s.recovered.ToProto(), s.foundingChains
	return out
}

func (m Mark) toProto() *meshosv1.ClusterState_Mark {
	return &meshosv1.ClusterState_Mark{Height: m.Height, AdminState: m.Sum.bytes()}
}

// ToProto returns a mark as a message; nil for none.
func (m Mark) ToProto() *meshosv1.ClusterState_Mark {
	if m.Height == 0 {
		return nil
	}
	return m.toProto()
}

// ToProto returns a recovery as a message; nil for none.
func (r Recovered) ToProto() *meshosv1.ClusterState_Recovered {
	if r.Height == 0 {
		return nil
	}
	out := &meshosv1.ClusterState_Recovered{Height: r.Height, LogTime: timestamppb.New(r.At), Acknowledged: r.Acknowledged}
	for _, id := range r.Seeds {
		out.Seeds = append(out.Seeds, uint64(id))
	}
	return out
}

// compareNonces sorts nonces by when their commands were issued.
func (s *State) compareNonces(a, b rules.Nonce) int {
	if c := s.nonces[a].Compare(s.nonces[b]); c != 0 {
		return c
	}
	return slices.Compare(a[:], b[:])
}

// FromProto returns the state of a message that ToProto made.
func FromProto(in *meshosv1.ClusterState) (*State, error) {
	bad := func(err error) (*State, error) { return nil, fmt.Errorf("state of the mesh: %w", err) }
	switch {
	case in.GetVersion() > version || wire.HasUnknown(in.ProtoReflect()):
		return nil, &NewerError{Height: in.GetHeight()}
	case in.GetHeight() == 0:
		return New(), nil
	case len(in.GetHead()) != len(Hash{}) || len(in.GetFounding()) != len(Hash{}) || !in.GetLogTime().IsValid():
		return bad(errors.New("it is not complete"))
	}
	s := New()
	s.height, s.at = in.GetHeight(), in.GetLogTime().AsTime()
	copy(s.head[:], in.GetHead())
	copy(s.founding[:], in.GetFounding())
	s.policy.Cluster, s.policy.Freshness, s.policy.Cooldown = in.GetClusterId(), in.GetFreshness().AsDuration(), in.GetCooldown().AsDuration()
	command, err := wire.SetSignersFromProto(in.GetSigners())
	if err != nil {
		return bad(err)
	}
	set := signerSet{command: command, height: in.GetSignersHeight()}
	if strings.TrimSpace(command.AllowedSigners) != "" {
		if set.set, err = parseSigners(command); err != nil {
			return bad(err)
		}
	}
	s.takeSigners(set)
	for _, list := range []struct {
		from []*meshosv1.AdmitNode
		to   map[mesh.NodeID]mesh.AdmitNode
	}{{in.GetMembers(), s.members}, {in.GetTokens(), s.tokens}} {
		for _, m := range list.from {
			ev, err := wire.AdmitNodeFromProto(m)
			if err != nil {
				return bad(err)
			}
			list.to[ev.Node] = ev
		}
	}
	for _, id := range in.GetExpelled() {
		s.gone[mesh.NodeID(id)] = true
	}
	for _, n := range in.GetNonces() {
		if len(n.GetNonce()) != rules.NonceSize {
			return bad(errors.New("a nonce is not complete"))
		}
		s.nonces[rules.Nonce(n.GetNonce())] = n.GetIssuedAt().AsTime()
	}
	for _, c := range in.GetCooldowns() {
		s.cooldowns[rules.Bucket{Node: mesh.NodeID(c.GetNode()), Freeze: c.GetFreeze()}] = c.GetUntil().AsTime()
	}
	if in.GetFrozenUntil() != nil {
		s.frozenUntil = in.GetFrozenUntil().AsTime()
	}
	for _, m := range append(slices.Clone(in.GetMarks()), in.GetCheckpoint()) {
		if m != nil && (m.GetHeight() == 0 || len(m.GetAdminState()) != len(Hash{})) {
			return bad(errors.New("a mark is not complete"))
		}
	}
	for _, m := range in.GetMarks() {
		s.marks = append(s.marks, Mark{m.GetHeight(), Hash(m.GetAdminState())})
	}
	if c := in.GetCheckpoint(); c != nil {
		s.checkpoint, s.checkpointAt = Mark{c.GetHeight(), Hash(c.GetAdminState())}, in.GetCheckpointHeight()
	}
	if r := in.GetRecovered(); r != nil {
		s.recovered = Recovered{Height: r.GetHeight(), At: r.GetLogTime().AsTime(), Acknowledged: r.GetAcknowledged()}
		for _, id := range r.GetSeeds() {
			s.recovered.Seeds = append(s.recovered.Seeds, mesh.NodeID(id))
		}
	}
	s.foundingChains = in.GetFoundingChains()
	for _, o := range in.GetOrders() {
		ev, err := wire.AdminFromProto(o.GetEvent())
		if err != nil {
			return bad(err)
		}
		about, _ := subjectsOf(ev)
		if i := slices.IndexFunc(about, func(of subject) bool { return of.String() == o.GetSubject() }); i >= 0 {
			s.orders[about[i]] = order{event: ev, height: o.GetHeight(), at: o.GetLogTime().AsTime(), operators: o.GetOperators()}
		}
	}
	return s, nil
}

// foundingToProto returns the message of the first entry.
func foundingToProto(cluster string, first mesh.AdmitNode, commands mesh.SetSigners, policy rules.Policy) *meshosv1.Founding {
	return &meshosv1.Founding{
		ClusterId: cluster, Node: wire.AdmitNodeToProto(first), Signers: wire.SetSignersToProto(commands),
		Freshness: durationpb.New(policy.Freshness), Cooldown: durationpb.New(policy.Cooldown),
	}
}

func timeOrAbsent(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// clone returns a state to try a command with. Of the last orders it has those about chains: no
// verdict depends on others.
func (s *State) clone() *State {
	out := *s
	out.members, out.gone, out.tokens = maps.Clone(s.members), maps.Clone(s.gone), maps.Clone(s.tokens)
	out.nonces, out.cooldowns, out.orders = maps.Clone(s.nonces), maps.Clone(s.cooldowns), map[subject]order{}
	for of, o := range s.orders {
		if of.what == definition {
			out.orders[of] = o
		}
	}
	return &out
}

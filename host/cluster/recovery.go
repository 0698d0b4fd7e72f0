package cluster

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	recoveryContext = "meshos recovery 1\n"
	// recoveryWithin is how long the seeds have to sign a recovery.
	recoveryWithin = 24 * time.Hour
	// RecoveryAlarm is how long a recovery raises an alarm that nobody acknowledges, in log time.
	RecoveryAlarm = 24 * time.Hour
)

// Recovered is the last time that the seeds replaced who commands the mesh.
type Recovered struct {
	Height       uint64
	At           time.Time // log time
	Seeds        []mesh.NodeID
	Acknowledged bool
}

// Recovered returns the last recovery; its height is 0 if there was none.
func (s *State) Recovered() Recovered { return s.recovered }

// NewRecovery returns what the seeds of this mesh sign to replace who commands it, still without
// a signature, or what is wrong with it.
func (s *State) NewRecovery(commands mesh.SetSigners, reason string, at time.Time) (*meshosv1.Recovery, error) {
	_, _, replaces := s.Signers()
	r := NewRecovery(s.policy.Cluster, s.founding, replaces, commands, reason, at)
	_, err := readSigners(commands, at)
	return r, err
}

// NewRecovery returns a recovery, still without a signature.
func NewRecovery(cluster string, founding Hash, replaces uint64, commands mesh.SetSigners, reason string, at time.Time) *meshosv1.Recovery {
	return &meshosv1.Recovery{
		ClusterId: cluster, Founding: founding.bytes(), Signers: wire.SetSignersToProto(commands), Replaces: replaces,
		IssuedAt: timestamppb.New(at), Reason: reason,
	}
}

// CheckSigners returns why a list of operators can't command a mesh: it can't be read, or they
// are too few for what it says.
func CheckSigners(commands mesh.SetSigners, at time.Time) error {
	_, err := readSigners(commands, at)
	return err
}

// SignRecovery adds the signature of a node.
func SignRecovery(r *meshosv1.Recovery, node mesh.NodeID, key Signer) {
	r.Signatures = slices.DeleteFunc(r.Signatures, func(s *meshosv1.Recovery_Signature) bool { return s.GetNode() == uint64(node) })
	r.Signatures = append(r.Signatures, &meshosv1.Recovery_Signature{Node: uint64(node), Signature: key.Sign(recoveryBytes(r))})
}

// recoveryBytes returns what the signatures are over.
func recoveryBytes(r *meshosv1.Recovery) []byte {
	bare := proto.CloneOf(r)
	bare.Signatures = nil
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(bare)
	if err != nil {
		return nil // a text that is not UTF-8: no signature is over nothing
	}
	return append([]byte(recoveryContext), raw...)
}

// Seeds returns the seeds, by id.
func (s *State) Seeds() []mesh.AdmitNode {
	return slices.DeleteFunc(s.Members(), func(m mesh.AdmitNode) bool { return !m.Seed })
}

// signedBy returns which seeds signed a recovery, by id.
func (s *State) signedBy(r *meshosv1.Recovery) (out []mesh.NodeID) {
	over := recoveryBytes(r)
	for _, seed := range s.Seeds() {
		for _, signature := range r.GetSignatures() {
			if over != nil && signature.GetNode() == uint64(seed.Node) && ed25519.Verify(seed.Key[:], over, signature.GetSignature()) {
				out = append(out, seed.Node)
				break
			}
		}
	}
	return out
}

// CheckRecovery returns why a recovery would not count at a time; nil if it would.
func (s *State) CheckRecovery(r *meshosv1.Recovery, at time.Time) *rules.Rejection {
	_, rejection := s.checkRecovery(r, later(at, s.at), s.signedBy(r))
	return rejection
}

func (s *State) checkRecovery(r *meshosv1.Recovery, at time.Time, signed []mesh.NodeID) (set signerSet, _ *rules.Rejection) {
	reject := func(format string, args ...any) (signerSet, *rules.Rejection) {
		return signerSet{}, rules.Reject(KindRecovery, format, args...)
	}
	command, err := wire.SetSignersFromProto(r.GetSigners())
	if err == nil && strings.TrimSpace(command.AllowedSigners) == "" {
		err = errors.New("it names no operators")
	}
	if err != nil {
		return reject("a recovery: %v", err)
	}
	issued, seeds := r.GetIssuedAt().AsTime(), len(s.Seeds())
	switch {
	case s.signers.set == nil:
		return reject("the mesh has no operators, so anybody may set them: `meshos ice set-signers`")
	case r.GetClusterId() != s.policy.Cluster || string(r.GetFounding()) != string(s.founding[:]):
		return reject("it is for another mesh, %q", r.GetClusterId())
	case r.GetReplaces() != s.signers.height:
		return reject("it replaces the signers of height %d, and those of now were set at height %d: begin anew with `meshos mesh recover start`", r.GetReplaces(), s.signers.height)
	case !r.GetIssuedAt().IsValid() || issued.After(at.Add(MaxSkew)) || at.Sub(issued) > recoveryWithin:
		return reject("it was begun at %s, and a recovery counts for %s: begin anew with `meshos mesh recover start`", rules.Stamp(issued), recoveryWithin)
	case len(signed) <= seeds/2:
		return reject("%d of %d seeds signed it, and more than half have to: run `meshos mesh recover sign` on %d more", len(signed), seeds, seeds/2+1-len(signed))
	}
	parsed, err := readSigners(command, at)
	if err != nil {
		return reject("%v", err)
	}
	return signerSet{command: command, set: parsed}, nil
}

// foldRecovery replaces who may command the mesh, if more than half of the seeds say so.
func (s *State) foldRecovery(r *meshosv1.Recovery, signed []mesh.NodeID, out *Outcome) {
	order := &out.Order
	order.Outcome = mesh.Verification{Verdict: mesh.VerdictUnverified}
	if command, err := wire.SetSignersFromProto(r.GetSigners()); err == nil {
		order.Event = command
	}
	names := make([]string, 0, len(signed))
	for _, id := range signed {
		names = append(names, s.members[id].Name)
		order.Operators = append(order.Operators, mesh.Operator{Name: fmt.Sprintf("seed %s (node %d)", s.members[id].Name, id)})
	}
	order.Reason = fmt.Sprintf("recovery, signed by the seeds %s: %s", strings.Join(names, ", "), r.GetReason())
	set, rejection := s.checkRecovery(r, s.at, signed)
	if rejection != nil {
		order.Outcome = rejection.Outcome()
		return
	}
	set.height = out.Place.Height
	s.takeSigners(set)
	s.recovered = Recovered{Height: out.Place.Height, At: s.at, Seeds: signed}
	out.Signers, out.Recovered = true, true
}

// acknowledge ends the alarm of a recovery.
func (s *State) acknowledge() *rules.Rejection {
	if s.recovered.Height == 0 || s.recovered.Acknowledged {
		return rules.Reject(KindRecovery, "there is no recovery that is not acknowledged")
	}
	s.recovered.Acknowledged = true
	return nil
}

package operator

import (
	"errors"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/snapshot"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// Preview simulates a break-glass command as Simulate does, and says for what the command
// would have to wait and how many operators have to sign it.
func (a *Authorizer) Preview(s *snapshot.Snapshot, ev mesh.AdminEvent) (*hostv1.SimulateResponse, error) {
	radius, hash, err := a.Simulate(s, ev)
	if err != nil {
		return nil, err
	}
	out := &hostv1.SimulateResponse{BlastRadius: radius, BlastHash: hash[:]}
	if a.HasOperators() {
		out.Signatures = uint32(a.rules().Threshold(ev))
	}
	if c := a.Cooldown(ev); c != nil {
		out.Cooldown = c.toProto()
	}
	return out, nil
}

func (c Cooldown) toProto() *hostv1.Cooldown {
	return &hostv1.Cooldown{Of: c.Of, Until: timestamppb.New(c.Until), Left: durationpb.New(c.Left)}
}

// Roster returns who may command the node, as far as the authorizer knows: the keys in force
// and the thresholds. With compare it reads the file of signers, too, and says how that
// differs from what is in force.
func (a *Authorizer) Roster(compare bool) *hostv1.ListOperatorsResponse {
	now, p := a.opts.Now(), a.rules()
	out := &hostv1.ListOperatorsResponse{
		Cluster: p.Cluster, File: a.opts.Signers, UnsignedAccepted: !a.HasOperators() || a.opts.AllowUnsigned,
		Freshness: durationpb.New(p.Freshness), FutureSkew: durationpb.New(p.FutureSkew), At: timestamppb.New(now),
	}
	if a.inMeshNow() {
		out.File = "" // it does not count
		if a.HasOperators() {
			out.File = "the log of the mesh"
		}
	}
	if !a.HasOperators() {
		return out
	}
	out.Ordinary = uint32(p.Threshold(mesh.Cordon{}))
	out.BreakGlass = uint32(p.Threshold(mesh.FreezeCluster{}))
	out.Thaw = uint32(p.Threshold(mesh.ThawCluster{}))
	a.mu.Lock()
	set, unread := a.set, a.unread
	a.prune(now)
	for _, b := range slices.SortedFunc(maps.Keys(a.memory.cooldowns), rules.CompareBuckets) {
		if until := a.memory.cooldowns[b]; until.After(now) {
			out.Cooldowns = append(out.Cooldowns, Cooldown{Of: b.String(), Until: until, Left: until.Sub(now)}.toProto())
		}
	}
	a.mu.Unlock()
	if unread != nil {
		out.Unreadable = unread.Error()
	}
	out.Keys, out.Persons = Keys(set, now)
	if !compare || a.inMeshNow() {
		return out
	}
	inFile, err := signers.Load(a.opts.Signers)
	if err != nil {
		out.FileProblem = err.Error()
		return out
	}
	for _, change := range signers.Changes(set, inFile) {
		out.Pending = append(out.Pending, change.String())
	}
	return out
}

// Keys returns the keys of a set in the order of the file, and the least number of to whom those that count now belong.
func Keys(set *signers.Set, now time.Time) ([]*hostv1.OperatorKey, uint32) {
	entries := slices.Concat(set.Entries(), set.Others())
	slices.SortStableFunc(entries, func(a, b signers.Entry) int { return a.Line - b.Line })
	keys := make([]*hostv1.OperatorKey, 0, len(entries))
	var counting []signers.Signer
	for _, e := range entries {
		key := &hostv1.OperatorKey{
			Name: e.Name(), Principals: e.Principals, Namespaces: e.Namespaces, Line: uint32(e.Line),
			Fingerprint: e.Key.Fingerprint(), KeyType: e.Key.Type, NoTouchRequired: e.Key.OnSecurityKey() && !bool(e.Touch),
			State: keyState(e.Applies(rules.Namespace, now)),
		}
		if !e.ValidAfter.IsZero() {
			key.ValidAfter = timestamppb.New(e.ValidAfter)
		}
		if !e.ValidBefore.IsZero() {
			key.ValidBefore = timestamppb.New(e.ValidBefore)
		}
		if signer, err := set.Find(e.Key, rules.Namespace, now); err == nil {
			counting = append(counting, signer)
		}
		keys = append(keys, key)
	}
	return keys, uint32(signers.Persons(counting))
}

func keyState(err error) hostv1.OperatorKey_State {
	switch {
	case err == nil:
		return hostv1.OperatorKey_STATE_VALID
	case errors.Is(err, signers.ErrTooEarly):
		return hostv1.OperatorKey_STATE_NOT_YET_VALID
	case errors.Is(err, signers.ErrExpired):
		return hostv1.OperatorKey_STATE_EXPIRED
	}
	return hostv1.OperatorKey_STATE_OTHER_NAMESPACE
}

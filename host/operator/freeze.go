package operator

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/snapshot"
)

// retryEvery is how often a failed write of the store is tried again.
const retryEvery = 5 * time.Second

// freezeSlack is how much the freeze on disk may differ from the one in force before it
// is written again.
const freezeSlack = 2 * time.Second

// Settled tells the authorizer that a commit which Judge returned was folded as the
// audit record seq, or never will be (seq 0).
func (a *Authorizer) Settled(c mesh.JudgedCommit, seq uint64) {
	if c.Outcome.Verdict == mesh.VerdictRejected || rules.CheckFreeze(c.Event) != "" {
		return
	}
	if freezeOf(c.Event, time.Time{}) == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inFlight--
	a.settled = max(a.settled, seq)
}

// Follow keeps the freeze on disk in line with the one in force, as the snapshots of
// source show it, until ctx is done.
func (a *Authorizer) Follow(ctx context.Context, source follow.Source) {
	for s := range follow.Snapshots(ctx, source) {
		if s.Tick > 0 {
			a.observe(s)
		}
	}
}

// observe writes the freeze to disk if a snapshot shows another one than is there:
// unsigned commands, which are not judged here, also freeze and thaw, and two commits may
// be folded in another order than they were judged.
func (a *Authorizer) observe(s *snapshot.Snapshot) {
	now := a.opts.Now()
	a.retryStore(now)
	a.mu.Lock()
	if a.inFlight > 0 || newestAudit(s) < a.settled {
		a.mu.Unlock()
		return // the snapshot is older than a commit that is already on disk
	}
	known := a.memory.frozen(now)
	var inForce time.Duration
	if left := s.Frozen.Until(s.Now); left != nil {
		inForce = max(0, *left-max(0, now.Sub(s.TakenAt)))
	}
	if off := known - inForce; off.Abs() <= freezeSlack {
		a.mu.Unlock()
		return
	}
	e := entry{Freeze: &freezeEntry{}}
	if inForce > 0 {
		e.Freeze = &freezeEntry{Until: now.Add(inForce).UnixNano(), TTL: inForce}
	}
	err := a.keep(e, now)
	a.mu.Lock()
	a.countInFlight(e, -1)
	a.mu.Unlock()
	if err != nil {
		a.opts.Log.Error("the freeze can't be written to disk: a restart would bring back the last one that was written", "error", err)
	}
}

// retryStore writes what could not be written before, such as a thaw that passed all the
// same: without it a restart would bring the freeze back.
func (a *Authorizer) retryStore(now time.Time) {
	a.mu.Lock()
	since := now.Sub(a.retried)
	due := since < 0 || since >= retryEvery
	if due {
		a.retried = now
	}
	a.mu.Unlock()
	if !due {
		return
	}
	if err := a.store.retry(); err != nil {
		a.opts.Log.Debug("the memory of accepted commands still can't be written", "error", err)
	}
}

func newestAudit(s *snapshot.Snapshot) uint64 {
	if len(s.Audit) == 0 {
		return 0
	}
	return s.Audit[len(s.Audit)-1].Seq
}

package operator

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// mendEvery is how often a file that can't be written is tried again.
const mendEvery = 5 * time.Second

// freezeSlack is how far the freeze that was written down may be from the one in
// force before it is written again.
const freezeSlack = 2 * time.Second

// Settled says that a commit which Judge let through was folded as the audit record
// seq, or (0) that it never will be.
func (a *Authorizer) Settled(c mesh.JudgedCommit, seq uint64) {
	if c.Outcome.Verdict == mesh.VerdictRejected || checkFreeze(c.Event) != "" {
		return
	}
	if freezeOf(c.Event, time.Time{}) == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.underWay--
	a.settled = max(a.settled, seq)
}

// Observe keeps what is written down of the freeze in line with what is in force:
// freezes also come from unsigned commands, which nobody judges here, and two
// commits may be folded in another order than they were judged. It is to be called
// with each published snapshot.
func (a *Authorizer) Observe(s *snapshot.Snapshot) {
	now := a.opts.Now()
	a.mend(now)
	a.mu.Lock()
	if a.underWay > 0 || newestAudit(s) < a.settled {
		a.mu.Unlock()
		return // the snapshot is from before a commit that is written down
	}
	known := a.memory.Frozen(now)
	var inForce time.Duration
	if s.FreezeRemaining != nil {
		inForce = max(0, *s.FreezeRemaining-max(0, now.Sub(s.TakenAt)))
	}
	if off := known - inForce; off.Abs() <= freezeSlack {
		a.mu.Unlock()
		return
	}
	e := entry{Freeze: &frozen{}}
	if inForce > 0 {
		e.Freeze = &frozen{Until: now.Add(inForce).UnixNano(), TTL: inForce}
	}
	err := a.keep(e, now)
	a.mu.Lock()
	a.unsettle(e, -1)
	a.mu.Unlock()
	if err != nil {
		a.opts.Log.Error("the freeze can't be written down: after a restart it is not what it is now", "error", err)
	}
}

// mend brings what could not be written to disk there now, such as a thaw that passed
// all the same: else the freeze came back with a restart.
func (a *Authorizer) mend(now time.Time) {
	a.mu.Lock()
	since := now.Sub(a.mended)
	due := since < 0 || since >= mendEvery
	if due {
		a.mended = now
	}
	a.mu.Unlock()
	if !due {
		return
	}
	if err := a.store.mend(); err != nil {
		a.opts.Log.Debug("the memory of accepted commands still can't be written", "error", err)
	}
}

func newestAudit(s *snapshot.Snapshot) uint64 {
	if len(s.Audit) == 0 {
		return 0
	}
	return s.Audit[len(s.Audit)-1].Seq
}

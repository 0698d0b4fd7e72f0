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
func (r *Room) Settled(c mesh.JudgedCommit, seq uint64) {
	if c.Outcome.Verdict == mesh.VerdictRejected || checkFreeze(c.Event) != "" {
		return
	}
	if freezeOf(c.Event, time.Time{}) == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.underWay--
	r.settled = max(r.settled, seq)
}

// Observe keeps what is written down of the freeze in line with what is in force:
// freezes also come from unsigned commands, which nobody judges here, and two
// commits may be folded in another order than they were judged. It is to be called
// with each published snapshot.
func (r *Room) Observe(s *snapshot.Snapshot) {
	now := r.opts.Now()
	r.mend(now)
	r.mu.Lock()
	if r.underWay > 0 || newestAudit(s) < r.settled {
		r.mu.Unlock()
		return // the snapshot is from before a commit that is written down
	}
	known := r.memory.Frozen(now)
	var inForce time.Duration
	if s.FreezeRemaining != nil {
		inForce = max(0, *s.FreezeRemaining-max(0, now.Sub(s.TakenAt)))
	}
	if off := known - inForce; off.Abs() <= freezeSlack {
		r.mu.Unlock()
		return
	}
	e := entry{Freeze: &frozen{}}
	if inForce > 0 {
		e.Freeze = &frozen{Until: now.Add(inForce).UnixNano(), TTL: inForce}
	}
	err := r.keep(e, now)
	r.mu.Lock()
	r.unsettle(e, -1)
	r.mu.Unlock()
	if err != nil {
		r.opts.Log.Error("the freeze can't be written down: after a restart it is not what it is now", "error", err)
	}
}

// mend brings what could not be written to disk there now, such as a thaw that passed
// all the same: else the freeze came back with a restart.
func (r *Room) mend(now time.Time) {
	r.mu.Lock()
	since := now.Sub(r.mended)
	due := since < 0 || since >= mendEvery
	if due {
		r.mended = now
	}
	r.mu.Unlock()
	if !due {
		return
	}
	if err := r.store.mend(); err != nil {
		r.opts.Log.Debug("the memory of accepted commands still can't be written", "error", err)
	}
}

func newestAudit(s *snapshot.Snapshot) uint64 {
	if len(s.Audit) == 0 {
		return 0
	}
	return s.Audit[len(s.Audit)-1].Seq
}

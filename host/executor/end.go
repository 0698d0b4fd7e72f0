package executor

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// collect answers the dispatches that are over.
func (r *run) collect() {
	maps.DeleteFunc(r.stuck, func(_ lane, c *call) bool { return c.returned() })
	for i := 0; i < len(r.calls); {
		if c := r.calls[i]; c.returned() {
			r.calls = slices.Delete(r.calls, i, i+1)
			r.over(c, <-c.done)
		} else {
			i++
		}
	}
}

// over answers a dispatch that returned err, or puts its action off.
func (r *run) over(c *call, err error) {
	c.cancel()
	r.lanes.free(c.lane)
	if err == nil {
		if a, ok := c.action.Action.(mesh.ApplyBackoff); ok {
			r.gates.CloseDaemon(a.Daemon.ID, a.Until, c.action.ID)
		}
		r.answer(c.action, nil, c.took())
		return
	}
	r.gates.RollBack(c.action)
	kind := c.action.Action.Kind()
	wait := retryAfter(err)
	switch {
	case r.opts.Now() >= c.deadline:
		r.answer(c.action, &TimeoutError{Kind: kind, Allowed: r.opts.Timeout, Err: err}, c.took())
	case r.work.Err() != nil:
		r.answer(c.action, &ShutdownError{Kind: kind, Started: true, Err: err}, c.took())
	case wait == 0:
		r.answer(c.action, err, c.took())
	case r.putOff(c.item, wait, err, c.took()):
		r.counters.retries.Add(1)
		r.say(c.item, reasonOf(err), wait)
	}
}

// giveUpLate answers the dispatches that are past their deadline, and leaves them
// behind: they keep their lane to themselves, but no worker.
func (r *run) giveUpLate() {
	now := r.opts.Now()
	for i := 0; i < len(r.calls); {
		c := r.calls[i]
		if c.deadline > now || c.returned() {
			i++
			continue
		}
		r.calls = slices.Delete(r.calls, i, i+1)
		r.leave(c, &TimeoutError{Kind: c.action.Action.Kind(), Allowed: r.opts.Timeout})
	}
}

// leave answers a dispatch that does not return.
func (r *run) leave(c *call, err error) {
	c.cancel()
	r.lanes.free(c.lane)
	r.stuck[c.lane] = c
	r.gates.RollBack(c.action)
	r.answer(c.action, err, c.took())
}

// answer feeds back the one final outcome of an action.
func (r *run) answer(a mesh.Emitted, err error, took time.Duration) {
	o, end := mesh.Outcome{ID: a.ID, OK: err == nil, Final: true}, Failed
	var gated *GatedError
	switch {
	case err == nil:
		end = Dispatched
		r.counters.dispatched.Add(1)
	case errors.As(err, &gated):
		end, o.Gated, o.RetryAfter = Gated, true, gated.For
		r.counters.gated.Add(1)
	default:
		r.counters.failed.Add(1)
	}
	if err != nil {
		o.Reason = reasonOf(err)
	}
	r.deliver(a, o, end, took)
}

// withdraw ends an action that nobody waits for any more.
func (r *run) withdraw(a mesh.Emitted, reason string) {
	r.counters.withdrawn.Add(1)
	r.deliver(a, mesh.Outcome{ID: a.ID, Reason: reasonOf(errors.New(reason)), Final: true}, Withdrawn, 0)
}

func (r *run) deliver(a mesh.Emitted, o mesh.Outcome, end End, took time.Duration) {
	kind := a.Action.Kind()
	guard(r.opts.Log, "the observer of actions", func() { r.opts.Observe(kind, end, took) })
	if err := r.opts.Outcomes.Outcome(r.tell, o); err != nil {
		r.counters.undelivered.Add(1)
		r.opts.Log.Warn("nobody took the outcome of an action", "action", a.ID,
			"kind", kind, "ok", o.OK, "reason", o.Reason, "error", err)
	}
}

// say tells the core that an action has not ended: it will be tried again because
// of reason, or (no reason) still waits or is begun.
func (r *run) say(it *item, reason string, wait time.Duration) {
	o := mesh.Outcome{ID: it.action.ID, Reason: reason, RetryAfter: wait}
	if err := r.opts.Outcomes.Outcome(r.tell, o); err != nil {
		r.opts.Log.Debug("nobody took word of an action that waits", "action", o.ID, "error", err)
	}
	it.heard = r.opts.Now()
}

// remind tells the core of what waits, so that it does not give up what it has not
// heard of for half of what it is ready to wait.
func (r *run) remind() {
	now := r.opts.Now()
	if len(r.byKey) == 0 || r.ending || now < r.remindAt() {
		return
	}
	r.reminded = now
	var silent []*item
	for _, it := range r.byKey {
		if now.Since(it.heard) >= r.opts.Timeout/2 {
			silent = append(silent, it)
		}
	}
	slices.SortFunc(silent, func(a, b *item) int { return cmp.Compare(a.action.ID, b.action.ID) })
	for _, it := range silent {
		var wait time.Duration
		if it.where == putOff {
			wait = now.Until(it.due)
		}
		r.say(it, "", wait)
	}
}

func (r *run) remindAt() mesh.Time { return r.reminded.Add(r.opts.Timeout / 4) }

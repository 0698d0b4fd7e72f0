package executor

import (
	"context"
	"maps"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// run is one Run. Everything in it belongs to its one goroutine.
type run struct {
	e    *Executor
	ctx  context.Context // ends when the node begins to end
	work context.Context // of dispatches; ends a while later
	tell context.Context // of outcomes; ends last

	waiting []mesh.Emitted // taken from the queue, in order
	current *call          // the one dispatch under way, if any
	stuck   map[lane]*call // dispatches that did not return by their deadline
}

// carryOut works until the queue is closed (false) or the node begins to end.
func (r *run) carryOut(actions <-chan mesh.Emitted) (open bool) {
	ahead := max(1, cap(actions))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for r.ctx.Err() == nil {
		r.beginNext()
		intake := actions
		if len(r.waiting) >= ahead {
			intake = nil
		}
		var done <-chan error
		var late <-chan time.Time
		if r.current != nil {
			done = r.current.done
			timer.Reset(r.left(r.current.action))
			late = timer.C
		}
		select {
		case a, open := <-intake:
			if !open {
				return false
			}
			r.push(a)
		case err := <-done:
			r.end(err)
		case <-late:
			r.giveUp()
		case <-r.ctx.Done():
		}
	}
	return true
}

// beginNext starts the next action that may be started, unless one is under way.
// Those that may not are answered on the way.
func (r *run) beginNext() {
	maps.DeleteFunc(r.stuck, func(_ lane, c *call) bool { return c.returned() })
	for r.current == nil && len(r.waiting) > 0 && r.ctx.Err() == nil {
		a := r.pop()
		kind, on, left := a.Action.Kind(), laneOf(a.Action), r.left(a)
		switch c := r.stuck[on]; {
		case left <= 0:
			r.answer(a, &TimeoutError{Kind: kind, Allowed: r.e.opts.Timeout}, 0)
		case c != nil:
			r.answer(a, &StuckError{Kind: kind, Subject: on.String(), Earlier: c.action.Action.Kind(), For: c.took()}, 0)
		default:
			r.current = begin(r.work, r.e.opts, a, left)
		}
	}
}

// end answers the dispatch that just returned err.
func (r *run) end(err error) {
	c := r.current
	r.current = nil
	c.cancel()
	if err != nil && r.left(c.action) <= 0 {
		err = &TimeoutError{Kind: c.action.Action.Kind(), Allowed: r.e.opts.Timeout, Started: true, Err: err}
	}
	r.answer(c.action, err, c.took())
}

// giveUp answers the dispatch that is past its deadline, and leaves it behind.
func (r *run) giveUp() {
	c := r.current
	if c.returned() { // just now
		r.end(<-c.done)
		return
	}
	r.current = nil
	c.cancel()
	r.stuck[laneOf(c.action.Action)] = c
	r.answer(c.action, &TimeoutError{Kind: c.action.Action.Kind(), Allowed: r.e.opts.Timeout, Started: true}, c.took())
}

// answer feeds back the one final outcome of an action.
func (r *run) answer(a mesh.Emitted, err error, took time.Duration) {
	o := mesh.Outcome{ID: a.ID, OK: err == nil, Final: true}
	if err != nil {
		o.Reason = reasonOf(err)
		r.e.counters.failed.Add(1)
	} else {
		r.e.counters.dispatched.Add(1)
	}
	r.e.opts.Observe(a.Action.Kind(), o.OK, took)
	if err := r.e.opts.Outcomes.Outcome(r.tell, o); err != nil {
		r.e.counters.undelivered.Add(1)
		r.e.opts.Log.Warn("nobody took the outcome of an action", "action", a.ID,
			"kind", a.Action.Kind(), "ok", o.OK, "reason", o.Reason, "error", err)
	}
}

// left is how long an action may still be under way.
func (r *run) left(a mesh.Emitted) time.Duration {
	return a.At.Add(r.e.opts.Timeout).Sub(r.e.opts.Now())
}

func (r *run) push(a mesh.Emitted) {
	r.waiting = append(r.waiting, a)
	r.e.counters.waiting.Store(uint64(len(r.waiting)))
}

func (r *run) pop() mesh.Emitted {
	a := r.waiting[0]
	r.waiting[0] = mesh.Emitted{} // what it points to may go
	r.waiting = r.waiting[1:]
	r.e.counters.waiting.Store(uint64(len(r.waiting)))
	return a
}

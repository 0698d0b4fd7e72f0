package executor

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// windDown begins the end: what is in the queue is accepted, and what was deferred
// beyond the time that is left gets its final outcome. actions is nil if it was closed.
func (r *run) windDown(actions <-chan mesh.Emitted) {
	r.end()
	r.ending, r.endsAt = true, r.opts.Now().Add(r.opts.dispatchGrace())
	for more := actions != nil; more; {
		select {
		case a, open := <-actions:
			if more = open; open {
				r.accept(a)
			}
		default:
			more = false
		}
	}
	for _, it := range r.delayed.takeAfter(r.endsAt) {
		delete(r.byKey, it.action.Action.Key())
		r.fail(it.action, &ShutdownError{Kind: it.action.Action.Kind()}, 0)
	}
}

// finish gives everything that was not done in time its final outcome.
func (r *run) finish() error {
	left := make([]mesh.Emitted, 0, len(r.byKey))
	for _, it := range r.byKey {
		left = append(left, it.action)
	}
	slices.SortFunc(left, func(a, b mesh.Emitted) int { return cmp.Compare(a.ID, b.ID) })
	for _, a := range left {
		r.fail(a, &ShutdownError{Kind: a.Action.Kind()}, 0)
	}
	r.counters.waiting.Store(0)
	timer := time.NewTimer(r.opts.returnGrace())
	defer timer.Stop()
	for late := false; len(r.calls) > 0 && !late; {
		select {
		case <-r.returned:
		case <-timer.C:
			late = true
		}
		r.collect()
	}
	for _, c := range r.calls {
		r.abandon(c, &ShutdownError{Kind: c.action.Action.Kind(), Started: true})
	}
	return r.leftBehind(r.notifier.stop(r.opts.returnGrace()))
}

// leftBehind returns what has still not returned, as an error.
func (r *run) leftBehind(notified bool) error {
	var what []string
	for on, c := range r.stuck {
		if !c.returned() {
			what = append(what, fmt.Sprintf("%s on %s", c.action.Action.Kind(), on))
		}
	}
	slices.Sort(what)
	if !notified {
		what = append(what, "the listener to backpressure")
	}
	if len(what) == 0 {
		return nil
	}
	return &LeftBehindError{What: what}
}

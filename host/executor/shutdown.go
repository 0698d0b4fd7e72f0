package executor

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// windDown begins the end: what is in the queue is taken in, and what was put off
// for longer than there is time is answered. actions is nil when it was closed.
func (r *run) windDown(actions <-chan mesh.Emitted) {
	r.end()
	r.ending, r.endsAt = true, r.opts.Now().Add(r.opts.work())
	for more := actions != nil; more; {
		select {
		case a, open := <-actions:
			if more = open; open {
				r.takeIn(a)
			}
		default:
			more = false
		}
	}
	for _, it := range r.later.takeAfter(r.endsAt) {
		delete(r.byKey, it.action.Action.Key())
		r.answer(it.action, &ShutdownError{Kind: it.action.Action.Kind()}, 0)
	}
}

// finish answers everything that was not done in time.
func (r *run) finish() error {
	left := make([]mesh.Emitted, 0, len(r.byKey))
	for _, it := range r.byKey {
		left = append(left, it.action)
	}
	slices.SortFunc(left, func(a, b mesh.Emitted) int { return cmp.Compare(a.ID, b.ID) })
	for _, a := range left {
		r.answer(a, &ShutdownError{Kind: a.Action.Kind()}, 0)
	}
	r.counters.waiting.Store(0)
	timer := time.NewTimer(r.opts.late())
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
		r.leave(c, &ShutdownError{Kind: c.action.Action.Kind(), Started: true})
	}
	return r.leftBehind(r.herald.end(r.opts.late()))
}

// leftBehind names what has still not returned.
func (r *run) leftBehind(heralded bool) error {
	var what []string
	for on, c := range r.stuck {
		if !c.returned() {
			what = append(what, fmt.Sprintf("%s on %s", c.action.Action.Kind(), on))
		}
	}
	slices.Sort(what)
	if !heralded {
		what = append(what, "the listener to backpressure")
	}
	if len(what) == 0 {
		return nil
	}
	return &LeftBehindError{What: what}
}

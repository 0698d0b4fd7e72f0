package executor

import (
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// What is still to do gets 5 s, counted from the end of the node's context.
const (
	shutdownWork = 4 * time.Second        // then the context of a dispatch ends
	shutdownLate = 500 * time.Millisecond // and it has this long to return
	shutdownTell = 5 * time.Second        // then nobody waits for outcomes to be taken
)

// shutdown answers everything that is left. actions is nil when it was closed.
func (r *run) shutdown(actions <-chan mesh.Emitted) error {
	for more := actions != nil; more; {
		select {
		case a, open := <-actions:
			if more = open; open {
				r.push(a)
			}
		default:
			more = false
		}
	}
	for len(r.waiting) > 0 {
		a := r.pop()
		r.answer(a, &ShutdownError{Kind: a.Action.Kind()}, 0)
	}
	if r.current != nil {
		r.endCurrent()
	}
	return r.leftBehind()
}

// endCurrent waits for the dispatch under way for as long as there is time.
func (r *run) endCurrent() {
	c := r.current
	kind := c.action.Action.Kind()
	select {
	case err := <-c.done:
		r.end(err)
		return
	case <-r.work.Done(): // which ended its context as well
	}
	timer := time.NewTimer(shutdownLate)
	defer timer.Stop()
	select {
	case err := <-c.done:
		if err != nil {
			err = &ShutdownError{Kind: kind, Started: true, Err: err}
		}
		r.end(err)
	case <-timer.C:
		r.current = nil
		r.stuck[laneOf(c.action.Action)] = c
		r.answer(c.action, &ShutdownError{Kind: kind, Started: true}, c.took())
	}
}

// leftBehind names the dispatches that have still not returned.
func (r *run) leftBehind() error {
	var what []string
	for on, c := range r.stuck {
		if !c.returned() {
			what = append(what, fmt.Sprintf("%s on %s", c.action.Action.Kind(), on))
		}
	}
	if len(what) == 0 {
		return nil
	}
	slices.Sort(what)
	return &LeftBehindError{What: what}
}

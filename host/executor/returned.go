package executor

import (
	"maps"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// collect handles the dispatches that have returned.
func (r *run) collect() {
	maps.DeleteFunc(r.stuck, func(_ lane, c *call) bool { return c.returned() })
	for i := 0; i < len(r.calls); {
		if c := r.calls[i]; c.returned() {
			r.calls = slices.Delete(r.calls, i, i+1)
			r.handle(c, <-c.done)
		} else {
			i++
		}
	}
}

// handle handles a dispatch that returned err: its action gets its final outcome, or is
// deferred.
func (r *run) handle(c *call, err error) {
	c.cancel()
	r.lanes.free(c.lane)
	if err == nil {
		if a, ok := c.action.Action.(mesh.ApplyBackoff); ok {
			r.gates.CloseDaemon(a.Daemon.ID, a.Until, c.action.ID)
		}
		r.succeed(c.action, c.took())
		return
	}
	r.gates.RollBack(c.action)
	kind := c.action.Action.Kind()
	wait := retryAfter(err)
	switch {
	case r.opts.Now() >= c.deadline:
		r.fail(c.action, &TimeoutError{Kind: kind, Allowed: r.opts.Timeout, Err: err}, c.took())
	case r.dispatchCtx.Err() != nil:
		r.fail(c.action, &ShutdownError{Kind: kind, Started: true, Err: err}, c.took())
	case wait == 0:
		r.fail(c.action, err, c.took())
	case r.deferItem(c.item, wait, err, c.took()):
		r.counters.retries.Add(1)
		r.report(c.item, reasonOf(err), wait)
	}
}

// abandonOverdue abandons the dispatches that are past their deadline: they keep their
// lane, but no worker.
func (r *run) abandonOverdue() {
	now := r.opts.Now()
	for i := 0; i < len(r.calls); {
		c := r.calls[i]
		if c.deadline > now || c.returned() {
			i++
			continue
		}
		r.calls = slices.Delete(r.calls, i, i+1)
		r.abandon(c, &TimeoutError{Kind: c.action.Action.Kind(), Allowed: r.opts.Timeout})
	}
}

// abandon gives an action whose dispatch does not return its final outcome.
func (r *run) abandon(c *call, err error) {
	c.cancel()
	r.lanes.free(c.lane)
	r.stuck[c.lane] = c
	r.gates.RollBack(c.action)
	r.fail(c.action, err, c.took())
}

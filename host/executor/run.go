package executor

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/executor/admission"
	"github.com/meshos/meshos/host/mesh"
)

// idleTick is how often the depth of the queue is checked while nothing else happens,
// so that backpressure begins and ends on an idle node too.
const idleTick = 100 * time.Millisecond

// run is one Run. Everything in it belongs to its one goroutine.
type run struct {
	opts        Options
	counters    *counters
	end         func()          // begins the end
	dispatchCtx context.Context // of dispatches; ends a while after the end began
	outcomeCtx  context.Context // of outcomes; ends last

	gates    *admission.Gates
	pressure admission.Pressure
	notifier *pressureNotifier

	byKey   map[mesh.ActionKey]*item // all items that wait, wherever they do
	lanes   lanes
	delayed delayQueue
	pulls   []*item // that wait for the pull slot, in order

	calls    []*call        // under way, in the order in which they were begun
	stuck    map[lane]*call // dispatches that did not return by their deadline
	returned chan struct{}  // holds a token when a call is over

	reminded mesh.Time // when the core was last told what waits
	ending   bool
	endsAt   mesh.Time // ending: when dispatchCtx ends
}

// carryOut works until the queue is closed or ctx ends, and then until nothing is left
// or the time for that is over.
func (r *run) carryOut(ctx context.Context, actions <-chan mesh.Emitted) {
	ahead := max(1, cap(actions))
	timer := time.NewTimer(0)
	defer timer.Stop()
	tick := time.NewTicker(idleTick)
	defer tick.Stop()
	for {
		r.collect()
		r.abandonOverdue()
		r.remind()
		r.beginAll()
		r.checkPressure(len(actions))
		if r.ending && len(r.calls) == 0 && len(r.byKey) == 0 {
			return
		}
		incoming, ended := actions, ctx.Done()
		if r.lanes.size >= ahead {
			incoming = nil
		}
		if r.ending {
			ended = nil
		}
		r.setTimer(timer)
		select {
		case a, open := <-incoming:
			if open {
				r.accept(a)
				continue
			}
			r.windDown(nil)
			actions = nil
		case <-ended:
			r.windDown(actions)
			actions = nil
		case <-r.returned:
		case <-timer.C:
		case <-tick.C:
		case <-r.dispatchCtx.Done(): // maybe before ctx's end was seen, if the loop took no outcomes
			if !r.ending {
				r.windDown(actions)
			}
			return
		}
	}
}

// accept puts an action into its lane. If an older action of its key waits, the new one
// replaces it: the core gave the older one up, or it had not handed out the new one.
func (r *run) accept(a mesh.Emitted) {
	key := a.Action.Key()
	it := r.byKey[key]
	if it == nil {
		it = &item{action: a, lane: laneOf(a.Action), reported: a.At}
		r.byKey[key] = it
		r.lanes.push(it)
		return
	}
	older := it.action
	it.action, it.reported, it.tries = a, a.At, 0
	if it.where == inLane { // behind what came in between
		r.lanes.remove(it)
		r.lanes.push(it)
	} // else it keeps the time or the place for which the older one waited
	r.withdraw(older, superseded(a, nil))
}

// checkPressure counts what waits or is under way, and notifies of backpressure.
func (r *run) checkPressure(queued int) {
	waiting := r.lanes.size + len(r.delayed.items) + len(r.pulls)
	r.counters.waiting.Store(uint64(waiting))
	depth := queued + waiting + len(r.calls)
	switch r.pressure.At(depth) {
	case admission.Asserted:
		r.counters.asserts.Add(1)
		r.notifier.notify(pressureChange{on: true, level: r.pressure.Level(depth)})
	case admission.Released:
		r.counters.releases.Add(1)
		r.notifier.notify(pressureChange{})
	}
}

// setTimer sets the timer to the next time at which there is something to do.
func (r *run) setTimer(timer *time.Timer) {
	now := r.opts.Now()
	next := mesh.Never
	for _, c := range r.calls {
		next = min(next, c.deadline)
	}
	if due, ok := r.delayed.due(); ok {
		next = min(next, due)
	}
	if opens := r.gates.PullOpens(); len(r.pulls) > 0 && opens > now && len(r.calls) < r.opts.Admission.Workers {
		next = min(next, opens)
	}
	if len(r.byKey) > 0 && !r.ending {
		next = min(next, r.remindAt())
	}
	if next == mesh.Never {
		timer.Stop()
		return
	}
	timer.Reset(now.Until(next))
}

package executor

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/executor/admission"
	"github.com/meshos/meshos/host/mesh"
)

// idleTick is how often backpressure is looked at while nothing else happens, so
// that its end is seen on a quiet node.
const idleTick = 100 * time.Millisecond

// run is one Run. Everything in it belongs to its one goroutine.
type run struct {
	opts     Options
	counters *counters
	end      func()          // begins the end
	work     context.Context // of dispatches; ends a while after the end began
	tell     context.Context // of outcomes; ends last

	gates    *admission.Gates
	pressure admission.Pressure
	herald   *herald

	byKey map[mesh.ActionKey]*item // whatever waits, wherever it does
	lanes lanes
	later later
	pulls []*item // for the pull slot, in order

	calls    []*call        // under way, in the order they were begun
	stuck    map[lane]*call // dispatches that did not return by their deadline
	returned chan struct{}  // some call is over

	reminded mesh.Time // when the core was last told what waits
	ending   bool
	endsAt   mesh.Time // ending: when work ends
}

// carryOut works until the queue is closed or ctx ends, and then until nothing is
// left or the time for that is over.
func (r *run) carryOut(ctx context.Context, actions <-chan mesh.Emitted) {
	ahead := max(1, cap(actions))
	timer := time.NewTimer(0)
	defer timer.Stop()
	tick := time.NewTicker(idleTick)
	defer tick.Stop()
	for {
		r.collect()
		r.giveUpLate()
		r.remind()
		r.beginAll()
		r.weigh(len(actions))
		if r.ending && len(r.calls) == 0 && len(r.byKey) == 0 {
			return
		}
		intake, ended := actions, ctx.Done()
		if r.lanes.size >= ahead {
			intake = nil
		}
		if r.ending {
			ended = nil
		}
		r.arm(timer)
		select {
		case a, open := <-intake:
			if open {
				r.takeIn(a)
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
		case <-r.work.Done(): // maybe before the end was noticed, if the loop took no outcomes
			if !r.ending {
				r.windDown(actions)
			}
			return
		}
	}
}

// takeIn lets an action wait for its turn. An older one of its key that waits
// gives up its place: it was given up by the core, or the newer would not be here.
func (r *run) takeIn(a mesh.Emitted) {
	key := a.Action.Key()
	it := r.byKey[key]
	if it == nil {
		it = &item{action: a, lane: laneOf(a.Action), heard: a.At}
		r.byKey[key] = it
		r.lanes.push(it)
		return
	}
	older := it.action
	it.action, it.heard, it.tries = a, a.At, 0
	if it.where == inLane { // behind what came in between
		r.lanes.remove(it)
		r.lanes.push(it)
	} // else no sooner than the older would have been
	r.withdraw(older, superseded(a, nil))
}

// weigh looks at how much waits or is under way, and tells of backpressure.
func (r *run) weigh(queued int) {
	waiting := r.lanes.size + len(r.later.items) + len(r.pulls)
	r.counters.waiting.Store(uint64(waiting))
	depth := queued + waiting + len(r.calls)
	switch r.pressure.At(depth) {
	case admission.Asserted:
		r.counters.asserts.Add(1)
		r.herald.say(pressed{on: true, level: r.pressure.Level(depth)})
	case admission.Released:
		r.counters.releases.Add(1)
		r.herald.say(pressed{})
	}
}

// arm sets the timer to the next instant at which there is something to do.
func (r *run) arm(timer *time.Timer) {
	now := r.opts.Now()
	next := mesh.Never
	for _, c := range r.calls {
		next = min(next, c.deadline)
	}
	if due, ok := r.later.due(); ok {
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

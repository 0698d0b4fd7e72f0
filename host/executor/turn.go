package executor

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/executor/admission"
	"github.com/meshos/meshos/host/mesh"
)

// beginAll begins whatever may be begun. What may not is put off or answered.
func (r *run) beginAll() {
	if r.work.Err() != nil {
		return
	}
	for {
		it := r.later.take(r.opts.Now())
		if it == nil {
			break
		}
		it.again = true
		r.lanes.push(it)
	}
	for len(r.calls) < r.opts.Admission.Workers {
		it := r.nextTurn()
		if it == nil {
			return
		}
		delete(r.byKey, it.action.Action.Key())
		r.turn(it)
	}
}

// nextTurn gives the item whose turn it is, with its lane kept busy, or nil. Who
// waited for the pull slot comes first, so that no newer pull takes it.
func (r *run) nextTurn() *item {
	if len(r.pulls) > 0 && r.gates.PullOpens() <= r.opts.Now() {
		i := slices.IndexFunc(r.pulls, func(it *item) bool { return !r.lanes.busy(it.lane) })
		if i >= 0 {
			it := r.pulls[i]
			r.pulls = slices.Delete(r.pulls, i, i+1)
			it.again, it.where = true, inHand
			r.lanes.occupy(it.lane)
			return it
		}
	}
	return r.lanes.take()
}

// turn asks whether an action may be begun, and does what the answer says.
func (r *run) turn(it *item) {
	kind, now := it.action.Action.Kind(), r.opts.Now()
	if c := r.stuck[it.lane]; c != nil {
		r.lanes.free(it.lane)
		r.answer(it.action, &StuckError{Kind: kind, Subject: it.lane.String(), Earlier: c.action.Action.Kind(), For: c.took()}, 0)
		return
	}
	if waited := now.Since(it.action.At) >= r.opts.unheard(); (it.again || waited) && !r.wanted(it.action.Action) {
		r.lanes.free(it.lane)
		r.withdraw(it.action, mesh.ReasonNotWanted)
		return
	}
	d := r.gates.Decide(it.action, now)
	if d.Verdict == admission.Admit {
		r.begin(it)
		return
	}
	r.lanes.free(it.lane)
	switch {
	case d.Verdict == admission.Gate:
		r.answer(it.action, &GatedError{Kind: kind, Reason: d.Reason, For: d.After}, 0)
	case d.Slot:
		r.counters.deferred.Add(1)
		it.where = forSlot
		r.byKey[it.action.Action.Key()] = it
		r.pulls = append(r.pulls, it)
	case r.putOff(it, d.After, errors.New(d.Reason), 0):
		r.counters.deferred.Add(1)
	}
}

// wanted asks whether an action still has a reason.
func (r *run) wanted(a mesh.Action) bool {
	wanted := true
	guard(r.opts.Log, "the check whether an action is still wanted", func() { wanted = r.opts.StillWanted(a) })
	return wanted
}

// begin dispatches an action. The core hears of it again if it had to wait, so that
// it waits for the outcome as long as the dispatch may take.
func (r *run) begin(it *item) {
	if r.opts.Now().Since(it.heard) >= r.opts.unheard() {
		r.say(it, "", 0)
	}
	left := min(r.opts.Timeout, it.heard.Add(r.opts.Timeout).Sub(r.opts.Now()))
	r.calls = append(r.calls, begin(r.work, r.opts, it, left, r.returned))
}

// putOff lets an action wait for a time because of why, and says whether it does.
// If not, it is answered: its budget is used up, the node ends sooner, or a newer
// action of its key waits, which then waits for as long in its place.
func (r *run) putOff(it *item, wait time.Duration, why error, took time.Duration) bool {
	key, due := it.action.Action.Key(), r.opts.Now().Add(wait)
	it.tries++
	if limit := r.opts.Admission.MaxDefers; it.tries > limit {
		r.answer(it.action, &PutOffError{Kind: key.Kind, Times: it.tries, Limit: limit, Err: why}, took)
		return false
	}
	if r.ending && due > r.endsAt {
		r.answer(it.action, &ShutdownError{Kind: key.Kind, Err: why}, took)
		return false
	}
	if newer := r.byKey[key]; newer != nil {
		r.lanes.remove(newer)
		r.later.put(newer, due)
		r.withdraw(it.action, superseded(newer.action, why))
		return false
	}
	r.byKey[key] = it
	r.later.put(it, due)
	return true
}

// superseded says why an action ended whose place a newer one of its key took.
func superseded(by mesh.Emitted, why error) string {
	text := fmt.Sprintf("superseded by action %d, which asks for the same", by.ID)
	if why != nil {
		text += "; it was put off: " + why.Error()
	}
	return text
}

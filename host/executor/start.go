package executor

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/executor/admission"
	"github.com/meshos/meshos/host/mesh"
)

// beginAll begins every action that may be begun. One that may not is deferred, or gets
// its final outcome.
func (r *run) beginAll() {
	if r.dispatchCtx.Err() != nil {
		return
	}
	for {
		it := r.delayed.take(r.opts.Now())
		if it == nil {
			break
		}
		it.waited = true
		r.lanes.push(it)
	}
	for len(r.calls) < r.opts.Admission.Workers {
		it := r.takeNext()
		if it == nil {
			return
		}
		delete(r.byKey, it.action.Action.Key())
		r.try(it)
	}
}

// takeNext takes the next item and marks its lane busy; nil if there is none. Items
// that wait for the pull slot come first, so that no newer pull takes the slot.
func (r *run) takeNext() *item {
	if len(r.pulls) > 0 && r.gates.PullOpens() <= r.opts.Now() {
		i := slices.IndexFunc(r.pulls, func(it *item) bool { return !r.lanes.busy(it.lane) })
		if i >= 0 {
			it := r.pulls[i]
			r.pulls = slices.Delete(r.pulls, i, i+1)
			it.waited, it.where = true, inHand
			r.lanes.occupy(it.lane)
			return it
		}
	}
	return r.lanes.take()
}

// try begins an action if it still has a reason and admission lets it.
func (r *run) try(it *item) {
	kind, now := it.action.Action.Kind(), r.opts.Now()
	if c := r.stuck[it.lane]; c != nil {
		r.lanes.free(it.lane)
		r.fail(it.action, &StuckError{Kind: kind, Subject: it.lane.String(), Earlier: c.action.Action.Kind(), For: c.took()}, 0)
		return
	}
	if waited := it.waited || now.Since(it.action.At) >= r.opts.shortWait(); waited && !r.wanted(it.action.Action) {
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
		r.fail(it.action, &GatedError{Kind: kind, Reason: d.Reason, For: d.After}, 0)
	case d.Slot:
		r.counters.deferred.Add(1)
		it.where = forSlot
		r.byKey[it.action.Action.Key()] = it
		r.pulls = append(r.pulls, it)
	case r.deferItem(it, d.After, errors.New(d.Reason), 0):
		r.counters.deferred.Add(1)
	}
}

// wanted reports whether an action still has a reason.
func (r *run) wanted(a mesh.Action) bool {
	wanted := true
	callHook(r.opts.Log, "the check whether an action is still wanted", func() { wanted = r.opts.StillWanted(a) })
	return wanted
}

// begin dispatches an action. If the action had to wait, the core is told first, so
// that it waits for the outcome as long as the dispatch may take.
func (r *run) begin(it *item) {
	if r.opts.Now().Since(it.reported) >= r.opts.shortWait() {
		r.report(it, "", 0)
	}
	left := min(r.opts.Timeout, it.reported.Add(r.opts.Timeout).Sub(r.opts.Now()))
	r.calls = append(r.calls, begin(r.dispatchCtx, r.opts, it, left, r.returned))
}

// deferItem lets an action wait for a time because of why, and reports whether it does. It
// does not, and the action gets its final outcome, if its budget is used up, if the node
// ends before that time, or if a newer action of its key waits. Then the newer one waits
// for as long in its place.
func (r *run) deferItem(it *item, wait time.Duration, why error, took time.Duration) bool {
	key, due := it.action.Action.Key(), r.opts.Now().Add(wait)
	if !r.advances(it) {
		it.tries++
	}
	if limit := r.opts.Admission.MaxDefers; it.tries > limit {
		r.fail(it.action, &DeferLimitError{Kind: key.Kind, Times: it.tries, Limit: limit, Err: why}, took)
		return false
	}
	if r.ending && due > r.endsAt {
		r.fail(it.action, &ShutdownError{Kind: key.Kind, Err: why}, took)
		return false
	}
	if newer := r.byKey[key]; newer != nil {
		r.lanes.remove(newer)
		r.delayed.put(newer, due)
		r.withdraw(it.action, superseded(newer.action, why))
		return false
	}
	r.byKey[key] = it
	r.delayed.put(it, due)
	return true
}

// advances reports whether what an action began is under way and has advanced since the action
// was deferred last: such a wait does not count.
func (r *run) advances(it *item) (does bool) {
	callHook(r.opts.Log, "the progress of an action", func() {
		figure, underWay := r.opts.Progress(it.action.Action)
		does = underWay && figure != it.progress
		it.progress = figure
	})
	return does
}

// superseded returns the reason for the end of an action that a newer one of its key
// replaced.
func superseded(by mesh.Emitted, why error) string {
	text := fmt.Sprintf("superseded by action %d, which asks for the same", by.ID)
	if why != nil {
		text += "; it was deferred: " + why.Error()
	}
	return text
}

package executor

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// succeed sends the final outcome of an action that was carried out.
func (r *run) succeed(a mesh.Emitted, took time.Duration) {
	r.counters.dispatched.Add(1)
	r.deliver(a, mesh.Outcome{ID: a.ID, OK: true, Final: true}, Dispatched, took)
}

// fail sends the final outcome of an action that was not carried out because of err.
func (r *run) fail(a mesh.Emitted, err error, took time.Duration) {
	o := mesh.Outcome{ID: a.ID, Reason: reasonOf(err), Final: true}
	if gated := (*GatedError)(nil); errors.As(err, &gated) {
		o.Gated, o.RetryAfter = true, gated.For
		r.counters.gated.Add(1)
		r.deliver(a, o, Gated, took)
		return
	}
	r.counters.failed.Add(1)
	r.deliver(a, o, Failed, took)
}

// withdraw sends the final outcome of an action that is not wanted any more.
func (r *run) withdraw(a mesh.Emitted, reason string) {
	r.counters.withdrawn.Add(1)
	r.deliver(a, mesh.Outcome{ID: a.ID, Reason: reasonOf(errors.New(reason)), Final: true}, Withdrawn, 0)
}

func (r *run) deliver(a mesh.Emitted, o mesh.Outcome, end End, took time.Duration) {
	kind := a.Action.Kind()
	callHook(r.opts.Log, "the observer of actions", func() { r.opts.Observe(kind, end, took) })
	if err := r.opts.Outcomes.Outcome(r.outcomeCtx, o); err != nil {
		r.counters.undelivered.Add(1)
		r.opts.Log.Warn("the outcome of an action was not taken", "action", a.ID,
			"kind", kind, "ok", o.OK, "reason", o.Reason, "error", err)
	}
}

// report sends an outcome that is not final: the action will be tried again after wait
// because of reason or, with an empty reason, it still waits or is begun.
func (r *run) report(it *item, reason string, wait time.Duration) {
	o := mesh.Outcome{ID: it.action.ID, Reason: reason, RetryAfter: wait}
	if err := r.opts.Outcomes.Outcome(r.outcomeCtx, o); err != nil {
		r.opts.Log.Debug("the report of an action that waits was not taken", "action", o.ID, "error", err)
	}
	it.reported = r.opts.Now()
}

// remind reports what waits and was not reported for half of Timeout, so that the core
// does not give it up.
func (r *run) remind() {
	now := r.opts.Now()
	if len(r.byKey) == 0 || r.ending || now < r.remindAt() {
		return
	}
	r.reminded = now
	var silent []*item
	for _, it := range r.byKey {
		if now.Since(it.reported) >= r.opts.Timeout/2 {
			silent = append(silent, it)
		}
	}
	slices.SortFunc(silent, func(a, b *item) int { return cmp.Compare(a.action.ID, b.action.ID) })
	for _, it := range silent {
		var wait time.Duration
		if it.where == deferred {
			wait = now.Until(it.due)
		}
		r.report(it, "", wait)
	}
}

func (r *run) remindAt() mesh.Time { return r.reminded.Add(r.opts.Timeout / 4) }

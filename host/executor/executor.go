package executor

import (
	"context"

	"github.com/meshos/meshos/host/executor/admission"
	"github.com/meshos/meshos/host/mesh"
)

// Executor carries out actions. Make one with New and Run it once.
type Executor struct {
	opts     Options
	counters counters
}

// New makes an Executor that does nothing until Run.
func New(o Options) *Executor { return &Executor{opts: o.withDefaults()} }

// Run carries out what comes from actions until that channel is closed or ctx ends.
// What is left then may still be done within Options.Grace; what can't be done in that
// time gets an outcome as failed. Run returns within Grace: nil, or a *LeftBehindError
// if a dispatch ignores the end of its context. What the loop hands out after the end
// of ctx gets no outcome, so end the loop first.
//
// Run takes as many actions from the channel as it has places, to sort them into lanes,
// and to see that it is closed while dispatches are under way. Those that were deferred
// come on top: their number is bounded by the number of things that actions can be
// about.
func (e *Executor) Run(ctx context.Context, actions <-chan mesh.Emitted) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	dispatchCtx, stopDispatches := outlive(ctx, e.opts.dispatchGrace())
	defer stopDispatches()
	outcomeCtx, stopOutcomes := outlive(ctx, e.opts.outcomeGrace())
	defer stopOutcomes()

	r := &run{
		opts: e.opts, counters: &e.counters, end: end, dispatchCtx: dispatchCtx, outcomeCtx: outcomeCtx,
		returned: make(chan struct{}, 1),
		gates: admission.New(admission.Policy{
			PullCooldown:  e.opts.Admission.PullCooldown,
			Stabilization: e.opts.Admission.Stabilization,
			DrainRate:     e.opts.Admission.DrainRate,
		}),
		pressure: admission.Pressure{High: e.opts.Admission.BackpressureHigh, Low: e.opts.Admission.BackpressureLow},
		notifier: newPressureNotifier(e.opts),
		byKey:    make(map[mesh.ActionKey]*item),
		lanes:    newLanes(),
		stuck:    make(map[lane]*call),
	}
	r.carryOut(ctx, actions)
	return r.finish()
}

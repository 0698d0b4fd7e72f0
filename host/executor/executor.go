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

// New gives an Executor that does nothing until Run.
func New(o Options) *Executor { return &Executor{opts: o.withDefaults()} }

// Run carries out what comes from actions until that is closed or ctx ends. What
// is left then may still be done within Options.Grace; what can't be is answered as
// failed. Run returns within that time, with nil, or with a *LeftBehindError when a
// dispatch ignores the end of its context. Nobody answers what the loop hands out
// after the end of ctx, so end the loop first.
//
// Run takes actions ahead of their turn, as many as the queue holds, to order them
// by what they work on, and to see the queue's end while dispatches are under way. Those that were put off come on top of that: they are
// bounded by the number of things that an action can be about.
func (e *Executor) Run(ctx context.Context, actions <-chan mesh.Emitted) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	work, stopWork := linger(ctx, e.opts.work())
	defer stopWork()
	tell, stopTell := linger(ctx, e.opts.tell())
	defer stopTell()

	r := &run{
		opts: e.opts, counters: &e.counters, end: end, work: work, tell: tell,
		returned: make(chan struct{}, 1),
		gates: admission.New(admission.Policy{
			PullCooldown:  e.opts.Admission.PullCooldown,
			Stabilization: e.opts.Admission.Stabilization,
			DrainRate:     e.opts.Admission.DrainRate,
		}),
		pressure: admission.Pressure{High: e.opts.Admission.BackpressureHigh, Low: e.opts.Admission.BackpressureLow},
		herald:   newHerald(e.opts),
		byKey:    make(map[mesh.ActionKey]*item),
		lanes:    newLanes(),
		stuck:    make(map[lane]*call),
	}
	r.carryOut(ctx, actions)
	return r.finish()
}

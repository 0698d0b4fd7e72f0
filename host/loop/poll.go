package loop

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/guard"
)

// poll calls the sources at every tick and keeps their answers until they are folded.
// Only the loop's goroutine uses it; answers come in by the callers' atomic fields.
type poll struct {
	ctx     context.Context // ends with the loop
	calls   *callGroup
	budget  time.Duration // how long a tick waits for answers
	callers map[*source]*caller
	order   []*caller // those of the present tick, in the order of folding
}

// caller calls one source. At most one call is out at a time.
type caller struct {
	src    *source
	ctx    context.Context // ends with the loop, or when the source is removed
	cancel context.CancelFunc

	// Written by the call's goroutine: the answer first, out last.
	answered atomic.Pointer[answer]
	took     atomic.Int64 // nanoseconds, of the last call
	out      atomic.Bool

	// Used by the loop's goroutine only.
	said    bool      // it has said all that it knows, once
	asked   time.Time // when the last call began
	overdue bool      // the call that is out was reported as such
	late    *answer   // to the call of an earlier tick, not folded yet
	streak  streak
}

// round counts the answers that one tick waits for.
type round struct {
	left atomic.Int64
	done chan struct{} // closed when all have come
}

func (r *round) answered() {
	if r.left.Add(-1) == 0 {
		close(r.done)
	}
}

func newPoll(ctx context.Context, calls *callGroup, budget time.Duration) *poll {
	return &poll{ctx: ctx, calls: calls, budget: budget, callers: make(map[*source]*caller)}
}

// ask starts a call to every source that has none out. A source whose call is still
// out is not waited for either. One whose last answer was late is called but not
// waited for, so that a slow source costs one tick its budget and not every tick. It
// returns what there is to wait for, nil for nothing, and the failures to report. An extra tick
// asks only the probes that have not said all that they know.
func (p *poll) ask(now time.Time, srcs []*source, healthy []mesh.NodeID, extra bool) (*round, []mesh.FailureReport) {
	p.setSources(srcs)
	var reports []mesh.FailureReport
	r := &round{done: make(chan struct{})}
	r.left.Store(1) // so that it is not done before all calls are started
	for _, c := range p.order {
		if extra && (c.said || c.src.kind == recoveryHandler || c.src.kind == migrationSource) {
			continue
		}
		if c.out.Load() {
			if !c.overdue && now.Sub(c.asked) >= callTimeout {
				c.overdue = true
				reason := fmt.Sprintf("no answer for %v; it is not called again before it answers", callTimeout)
				c.streak.failed(reason)
				reports = append(reports, mesh.FailureReport{Source: c.src.title(), Reason: reason})
			}
			continue
		}
		c.late = c.answered.Swap(nil)
		c.asked, c.overdue = now, false
		c.out.Store(true)
		finish := func() {}
		if c.src.kind != migrationSource && time.Duration(c.took.Load()) < p.budget {
			r.left.Add(1)
			finish = r.answered
		}
		p.calls.start(c.src.title(), func() { c.call(healthy, finish) })
	}
	if r.left.Load() == 1 {
		return nil, reports // none to wait for, or all have answered meanwhile
	}
	r.answered()
	return r, reports
}

// setSources makes a caller for each new source. The call to a source that was removed
// is cancelled, and what it still answers is dropped.
func (p *poll) setSources(srcs []*source) {
	p.order = p.order[:0]
	present := make(map[*source]bool, len(srcs))
	for _, src := range srcs {
		c := p.callers[src]
		if c == nil {
			c = &caller{src: src}
			c.ctx, c.cancel = context.WithCancel(p.ctx)
			p.callers[src] = c
		}
		present[src] = true
		p.order = append(p.order, c)
	}
	for src, c := range p.callers {
		if !present[src] {
			c.cancel()
			delete(p.callers, src)
		}
	}
}

// call calls the source once. However the call's goroutine ends, it leaves an answer.
func (c *caller) call(healthy []mesh.NodeID, finish func()) {
	got := answer{err: "ended its goroutine instead of answering"}
	began := time.Now()
	defer func() {
		c.took.Store(int64(time.Since(began)))
		c.answered.Store(&got)
		c.out.Store(false)
		finish()
	}()
	ctx, cancel := context.WithTimeout(c.ctx, callTimeout)
	defer cancel()
	err := guard.Call(func() error {
		given, err := c.src.ask(ctx, healthy)
		if err != nil {
			given = answer{err: cmp.Or(err.Error(), "failed without a message")}
		}
		got = given
		return nil
	})
	if err != nil {
		got = answer{err: err.Error()}
	}
}

// answers takes the answers that are not folded yet, oldest first. What a migration
// source answers within this tick is left for the next.
func (c *caller) answers() []*answer {
	var all []*answer
	if c.late != nil {
		all, c.late = append(all, c.late), nil
	}
	if c.src.kind == migrationSource {
		return all
	}
	if a := c.answered.Swap(nil); a != nil {
		all = append(all, a)
	}
	return all
}

// waiting reports whether a probe has not said all that it knows.
func (p *poll) waiting() bool {
	for _, c := range p.order {
		if !c.said && c.src.kind != recoveryHandler && c.src.kind != migrationSource {
			return true
		}
	}
	return false
}

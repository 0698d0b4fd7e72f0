package loop

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// poll asks the sources at every tick and keeps what they answer until it is
// folded. Only the loop's goroutine uses it; answers come in through the callers'
// atomic fields.
type poll struct {
	ctx     context.Context // ends with the loop
	crew    *crew
	budget  time.Duration // what a tick waits for its answers
	callers map[*source]*caller
	order   []*caller // those of the present tick, in the order of folding
}

// caller is one source with the state of its call. At most one call is out.
type caller struct {
	src    *source
	ctx    context.Context // ends with the loop, or when the source is taken away
	cancel context.CancelFunc

	// Written by the call's goroutine: first the answer, then that it is back.
	answered atomic.Pointer[answer]
	took     atomic.Int64 // nanoseconds, of the last call
	out      atomic.Bool

	// The loop's own.
	asked   time.Time
	overdue bool
	late    *answer // given to an earlier tick, not folded yet
	streak  streak
}

// round is what one tick waits for.
type round struct {
	left atomic.Int64
	done chan struct{} // closed when everybody asked has answered
}

func (r *round) one() {
	if r.left.Add(-1) == 0 {
		close(r.done)
	}
}

func newPoll(ctx context.Context, c *crew, budget time.Duration) *poll {
	return &poll{ctx: ctx, crew: c, budget: budget, callers: make(map[*source]*caller)}
}

// ask starts a call to every source that is idle. A source whose call is still out
// is neither asked nor waited for; one that was late the last time is asked but
// not waited for, so that a slow one costs a tick its budget once and not each
// time. It returns what there is to wait for, nil for
// nothing, and the failures to report.
func (p *poll) ask(now time.Time, srcs []*source, healthy []mesh.NodeID) (*round, []mesh.FailureReport) {
	p.follow(srcs)
	var reports []mesh.FailureReport
	r := &round{done: make(chan struct{})}
	r.left.Store(1) // ours, until all were asked
	for _, c := range p.order {
		if c.out.Load() {
			if !c.overdue && now.Sub(c.asked) >= callTimeout {
				c.overdue = true
				reason := fmt.Sprintf("no answer for %v; it is not asked again before it answers", callTimeout)
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
			finish = r.one
		}
		p.crew.start(c.src.title(), func() { c.call(healthy, finish) })
	}
	if r.left.Load() == 1 {
		return nil, reports // nobody asked, or all have answered meanwhile
	}
	r.one()
	return r, reports
}

// follow brings the callers in line with the sources. A source that is gone has
// its call cancelled, and what it still answers is forgotten.
func (p *poll) follow(srcs []*source) {
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

// call asks the source once. Whatever happens to this goroutine, there is an
// answer at its end.
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
	err := guarded(func() error {
		given, err := c.src.ask(ctx, healthy)
		if err != nil {
			given = answer{err: cmp.Or(err.Error(), "failed without saying why")}
		}
		got = given
		return nil
	})
	if err != nil {
		got = answer{err: err.Error()}
	}
}

// answers takes what a source answered and is not folded yet, oldest first. What
// a migration source answers to this very tick is left for the next.
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

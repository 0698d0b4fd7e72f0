package scoring

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// Reader reads the published snapshots; loop.Reader is one.
type Reader interface {
	Latest() *snapshot.Snapshot
	Changed() <-chan struct{}
	Done() <-chan struct{}
}

// Feed takes what the loop should know; loop.Feed is one.
type Feed interface {
	Scores(ctx context.Context, table mesh.Scores) error
	Report(ctx context.Context, r mesh.FailureReport) error
}

// Options is what a Room works with. All but the durations is required.
type Options struct {
	Reader Reader
	Feed   Feed
	// Scorer gives the scorer of the moment; a no-op for none.
	Scorer func() Scorer
	// DecisionInterval is how often all chains are scored; 0 for 30 s.
	DecisionInterval time.Duration
	// TickInterval is the loop's; 0 for 500 ms.
	TickInterval time.Duration
	// Timeout is the deadline of one call; 0 for 10 s.
	Timeout time.Duration
	Log     *slog.Logger
}

// feedTimeout bounds one attempt to tell the loop something.
const feedTimeout = 5 * time.Second

// Room is the seam between the loop and its scorer. Make it with New and run it
// once. The other methods may be called from anywhere, at any time.
type Room struct {
	opts      Options
	histories *histories
	board     board

	// Run's goroutine only.
	seen     uint64 // the tick looked at last
	now      View
	told     View // what the scorer holds, while held
	held     bool
	asked    process
	pace     pace
	lied     bool // faults in its answers were reported
	standing bool // the loop may hold a table of ours
}

// process is what answers: another one knows nothing of the views before.
type process struct {
	name     string
	pid      int
	restarts uint64
}

// New makes a room that does not run yet.
func New(opts Options) *Room {
	if opts.DecisionInterval <= 0 {
		opts.DecisionInterval = 30 * time.Second
	}
	if opts.TickInterval <= 0 {
		opts.TickInterval = 500 * time.Millisecond
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 10 * time.Second
	}
	r := &Room{
		opts:      opts,
		histories: newHistories(time.Now()),
		pace:      pace{interval: opts.DecisionInterval, tick: opts.TickInterval},
	}
	r.board.idle("nothing was scored yet")
	return r
}

// Run follows the snapshots until ctx ends or no newer ones come.
func (r *Room) Run(ctx context.Context) {
	for {
		changed := r.opts.Reader.Changed()
		if s := r.opts.Reader.Latest(); s != nil && s.Tick != 0 && s.Tick != r.seen {
			r.seen = s.Tick
			r.look(ctx, s)
		}
		select {
		case <-changed:
		case <-r.opts.Reader.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// History gives how the worst score of a chain went; ok is false for one that this
// node does not lead, or that has no scores yet.
func (r *Room) History(id mesh.ChainID) (h History, ok bool) { return r.histories.get(id) }

// look takes in one snapshot, and asks the scorer if something is due.
func (r *Room) look(ctx context.Context, s *snapshot.Snapshot) {
	r.now.look(s)
	r.histories.keep(r.now.Chains)
	scorer := r.opts.Scorer()
	plugin := pluginOf(s, scorer.Name())
	r.notice(ctx, process{scorer.Name(), plugin.PID, plugin.Restarts})
	switch why := away(scorer, plugin); {
	case why != "":
		r.rest(ctx, why)
	case len(r.now.Chains) == 0:
		r.rest(ctx, "this node leads no chain that anybody holds")
	default:
		r.decide(ctx, scorer)
	}
}

// notice begins anew when another scorer, or another process of it, is there.
func (r *Room) notice(ctx context.Context, p process) {
	if p == r.asked {
		return
	}
	if p.name != r.asked.name {
		r.withdraw(ctx) // it is the opinion of one who is not asked any more
	}
	r.asked, r.held, r.lied = p, false, false
	r.pace.restart()
}

// rest asks nobody and says why.
func (r *Room) rest(ctx context.Context, why string) {
	r.held = false
	r.board.idle(why)
	r.withdraw(ctx)
}

// decide asks the scorer if something is due.
func (r *Room) decide(ctx context.Context, scorer Scorer) {
	began := time.Now()
	urgent, all := true, r.pace.over(began)
	var req Request
	if r.held {
		req, urgent = changes(&r.told, &r.now, all)
	}
	if !r.pace.due(began, urgent) {
		return
	}
	if !r.held {
		req = r.now.full()
	}
	table, err := r.ask(ctx, scorer, req)
	if errors.Is(err, ErrNoBase) && !req.Full {
		req = r.now.full()
		table, err = r.ask(ctx, scorer, req)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		r.failed(ctx, scorer, err)
		return
	}
	r.answered(ctx, req, table, all)
}

// answered hands a table on.
func (r *Room) answered(ctx context.Context, req Request, table mesh.Scores, all bool) {
	now := time.Now()
	if n := r.pace.failures; n > 0 {
		r.opts.Log.Info("the scorer answers again", "scorer", r.asked.name, "failed calls", n)
	}
	r.pace.answered(now)
	if !r.hand(ctx, table) {
		r.held = false // so that it is asked again soon
		r.board.idle("the loop takes no scores")
		return
	}
	r.told, r.held = r.told.apply(req), true
	r.standing = true
	r.histories.record(now, table, all)
	r.board.scored(table, now)
}

// failed takes the table back: what the scorer thought before it failed is no
// ground for moving anything.
func (r *Room) failed(ctx context.Context, scorer Scorer, err error) {
	r.held = false
	r.pace.failed(time.Now())
	r.board.idle(words(err))
	r.opts.Log.Debug("the scorer failed", "scorer", scorer.Name(), "error", err)
	if r.pace.failures == 1 && !errors.Is(err, ErrAway) {
		r.report(ctx, scorer, words(err))
	}
	r.withdraw(ctx)
}

// withdraw takes back what the loop holds of ours, by a table without opinions.
func (r *Room) withdraw(ctx context.Context) {
	if r.standing && r.hand(ctx, mesh.Scores{ViewVersion: r.now.Version}) {
		r.standing = false
	}
}

// hand brings a table to the loop, and says whether it was taken.
func (r *Room) hand(ctx context.Context, table mesh.Scores) bool {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	err := r.opts.Feed.Scores(ctx, table)
	if err != nil {
		r.opts.Log.Debug("a table of scores was not taken", "error", err)
	}
	return err == nil
}

func (r *Room) report(ctx context.Context, scorer Scorer, reason string) {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	source := "placement_scorer:" + scorer.Name()
	if err := r.opts.Feed.Report(ctx, mesh.FailureReport{Source: source, Reason: reason}); err != nil {
		r.opts.Log.Error("a failure was not recorded", "source", source, "reason", reason, "error", err)
	}
}

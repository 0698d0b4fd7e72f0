package scoring

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// Feed takes what the loop should know; loop.Feed is one.
type Feed interface {
	Scores(ctx context.Context, table mesh.Scores) error
	Report(ctx context.Context, r mesh.FailureReport) error
}

// Options is what a Driver works with. All but the durations is required.
type Options struct {
	Reader follow.Source
	Feed   Feed
	// Scorer returns the scorer that is installed now; one that is a no-op for none.
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

// Driver asks the scorer and brings what it answers to the loop. Make it with New and
// run it once. Its other methods are safe for concurrent use.
type Driver struct {
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

// New makes a driver that does not run yet.
func New(opts Options) *Driver {
	if opts.DecisionInterval <= 0 {
		opts.DecisionInterval = 30 * time.Second
	}
	if opts.TickInterval <= 0 {
		opts.TickInterval = 500 * time.Millisecond
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 10 * time.Second
	}
	d := &Driver{
		opts:      opts,
		histories: newHistories(time.Now()),
		pace:      pace{interval: opts.DecisionInterval, tick: opts.TickInterval},
	}
	d.board.idle("nothing was scored yet")
	return d
}

// Run follows the snapshots until ctx ends or no newer ones come.
func (d *Driver) Run(ctx context.Context) {
	for s := range follow.Snapshots(ctx, d.opts.Reader) {
		if s.Tick != 0 && s.Tick != d.seen {
			d.seen = s.Tick
			d.look(ctx, s)
		}
	}
}

// History gives how the worst score of a chain went; ok is false for one that this
// node does not lead, or that has no scores yet.
func (d *Driver) History(id mesh.ChainID) (h History, ok bool) { return d.histories.get(id) }

// look takes in one snapshot, and asks the scorer if something is due.
func (d *Driver) look(ctx context.Context, s *snapshot.Snapshot) {
	d.now.look(s)
	d.histories.keep(d.now.Chains)
	scorer := d.opts.Scorer()
	plugin := pluginOf(s, scorer.Name())
	d.notice(ctx, process{scorer.Name(), plugin.PID, plugin.Restarts})
	switch why := away(scorer, plugin); {
	case why != "":
		d.rest(ctx, why)
	case len(d.now.Chains) == 0:
		d.rest(ctx, "this node leads no chain that anybody holds")
	default:
		d.decide(ctx, scorer)
	}
}

// notice begins anew when another scorer, or another process of it, is there.
func (d *Driver) notice(ctx context.Context, p process) {
	if p == d.asked {
		return
	}
	if p.name != d.asked.name {
		d.withdraw(ctx) // it is the opinion of one who is not asked any more
	}
	d.asked, d.held, d.lied = p, false, false
	d.pace.restart()
}

// rest asks nobody and says why.
func (d *Driver) rest(ctx context.Context, why string) {
	d.held = false
	d.board.idle(why)
	d.withdraw(ctx)
}

// decide asks the scorer if something is due.
func (d *Driver) decide(ctx context.Context, scorer Scorer) {
	began := time.Now()
	urgent, all := true, d.pace.over(began)
	var req Request
	if d.held {
		req, urgent = changes(&d.told, &d.now, all)
	}
	if !d.pace.due(began, urgent) {
		return
	}
	if !d.held {
		req = d.now.full()
	}
	table, err := d.ask(ctx, scorer, req)
	if errors.Is(err, ErrNoBase) && !req.Full {
		req = d.now.full()
		table, err = d.ask(ctx, scorer, req)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		d.failed(ctx, scorer, err)
		return
	}
	d.answered(ctx, req, table, all)
}

// answered hands a table on.
func (d *Driver) answered(ctx context.Context, req Request, table mesh.Scores, all bool) {
	now := time.Now()
	if n := d.pace.failures; n > 0 {
		d.opts.Log.Info("the scorer answers again", "scorer", d.asked.name, "failed calls", n)
	}
	d.pace.answered(now)
	if !d.hand(ctx, table) {
		d.held = false // so that it is asked again soon
		d.board.idle("the loop takes no scores")
		return
	}
	d.told, d.held = d.told.apply(req), true
	d.standing = true
	d.histories.record(now, table, all)
	d.board.scored(table, now)
}

// failed takes the table back: what the scorer thought before it failed is no
// ground for moving anything.
func (d *Driver) failed(ctx context.Context, scorer Scorer, err error) {
	d.held = false
	d.pace.failed(time.Now())
	d.board.idle(words(err))
	d.opts.Log.Debug("the scorer failed", "scorer", scorer.Name(), "error", err)
	if d.pace.failures == 1 && !errors.Is(err, ErrAway) {
		d.report(ctx, scorer, words(err))
	}
	d.withdraw(ctx)
}

// withdraw takes back what the loop holds of ours, by a table without opinions.
func (d *Driver) withdraw(ctx context.Context) {
	if d.standing && d.hand(ctx, mesh.Scores{ViewVersion: d.now.Version}) {
		d.standing = false
	}
}

// hand brings a table to the loop, and says whether it was taken.
func (d *Driver) hand(ctx context.Context, table mesh.Scores) bool {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	err := d.opts.Feed.Scores(ctx, table)
	if err != nil {
		d.opts.Log.Debug("a table of scores was not taken", "error", err)
	}
	return err == nil
}

func (d *Driver) report(ctx context.Context, scorer Scorer, reason string) {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	source := "placement_scorer:" + scorer.Name()
	if err := d.opts.Feed.Report(ctx, mesh.FailureReport{Source: source, Reason: reason}); err != nil {
		d.opts.Log.Error("a failure was not recorded", "source", source, "reason", reason, "error", err)
	}
}

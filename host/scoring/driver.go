package scoring

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// Feed takes inputs for the loop; loop.Feed is one.
type Feed interface {
	Scores(ctx context.Context, table mesh.Scores) error
	Report(ctx context.Context, r mesh.FailureReport) error
}

// Options is what a Driver works with. All but the durations and Random is required.
type Options struct {
	Reader follow.Source
	Feed   Feed
	// Scorer returns the scorer that is installed now; one that is a no-op for none.
	Scorer func() Scorer
	// DecisionInterval is how often all chains are scored; 0 for 30 s.
	DecisionInterval time.Duration
	// TickInterval is the loop's; 0 for 500 ms.
	TickInterval time.Duration
	// Timeout is the deadline of one call, which has a second more for each 25,000 chains;
	// 0 for 10 s.
	Timeout time.Duration
	// Random returns numbers in [0, 1), for the pauses after failures; nil for real ones.
	Random func() float64
	Log    *slog.Logger
}

// feedTimeout bounds how long one input may wait to be taken by the loop.
const feedTimeout = 5 * time.Second

// Driver asks the scorer and brings its answers to the loop. Make it with New and run
// it once. Its other methods are safe for concurrent use.
type Driver struct {
	opts      Options
	histories *histories
	status    status

	// Used by Run's goroutine only.
	seen          uint64  // the regular ticks of the snapshot that was looked at last
	tick          uint64  // of that snapshot
	view          tracker // as of the last snapshot at which the scorer might have been asked
	tooMany       int     // the scorer can't score so many chains; 0 if it was not found out
	process       process
	schedule      schedule
	faultReported bool // faults in this process' answers were reported
	tableInLoop   bool // the loop may have a table of ours that is not empty
}

// process is what answers. Another process of a scorer does not have the views that
// were sent to the one before.
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
	if opts.Random == nil {
		opts.Random = rand.Float64
	}
	d := &Driver{
		opts:      opts,
		histories: newHistories(time.Now()),
		view:      newTracker(),
		schedule:  schedule{interval: opts.DecisionInterval, tick: opts.TickInterval, random: opts.Random},
	}
	d.status.setIdle("nothing was scored yet")
	return d
}

// Run follows the snapshots until ctx ends or no newer ones come.
func (d *Driver) Run(ctx context.Context) {
	for s := range follow.Snapshots(ctx, d.opts.Reader) {
		if s.Regular != 0 && s.Regular != d.seen {
			d.seen, d.tick = s.Regular, s.Tick
			d.observe(ctx, s)
		}
	}
}

// History returns how the worst score of a chain developed; ok is false for a chain
// that this node does not lead, or that has no scores yet.
func (d *Driver) History(id mesh.ChainID) (h History, ok bool) { return d.histories.get(id) }

// observe asks the scorer about the view of a snapshot, if that is due.
func (d *Driver) observe(ctx context.Context, s *snapshot.Snapshot) {
	scorer := d.opts.Scorer()
	plugin := pluginOf(s, scorer.Name())
	d.setProcess(ctx, process{scorer.Name(), plugin.PID, plugin.Restarts})
	if why := unavailable(scorer, plugin); why != "" {
		d.idle(ctx, why)
		return
	}
	began := time.Now()
	if !d.schedule.due(began, true) {
		return // whatever has changed
	}
	d.view.look(s)
	switch led := d.view.led; {
	case led == 0:
		d.histories.clear()
		d.idle(ctx, "this node leads no chain that anybody holds")
	case d.tooMany > 0 && led > d.tooMany-d.tooMany/10:
		d.schedule.failed(began) // it is not asked before there are clearly fewer
	default:
		d.askIfDue(ctx, scorer, began)
	}
}

// setProcess starts over if another scorer, or another process of it, is there.
func (d *Driver) setProcess(ctx context.Context, p process) {
	if p == d.process {
		return
	}
	if p.name != d.process.name {
		d.withdraw(ctx) // the table is of a scorer that is no longer installed
	}
	d.process, d.view.base, d.faultReported, d.tooMany = p, nil, false, 0
	d.schedule.restart()
}

// idle takes the table back and shows why nothing is scored.
func (d *Driver) idle(ctx context.Context, why string) {
	d.view.base = nil
	d.status.setIdle(why)
	d.withdraw(ctx)
}

// askIfDue asks the scorer if that is due.
func (d *Driver) askIfDue(ctx context.Context, scorer Scorer, began time.Time) {
	urgent, all := true, d.schedule.allDue(began)
	var req Request
	if d.view.base != nil {
		req, urgent = d.view.changes(all)
	}
	if !d.schedule.due(began, urgent) {
		return
	}
	if d.view.base == nil {
		req = d.view.full()
	}
	table, err := d.ask(ctx, scorer, req)
	if errors.Is(err, ErrNoBase) && !req.Full {
		req = d.view.full()
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

// answered hands the table of an answer to the loop.
func (d *Driver) answered(ctx context.Context, req Request, table mesh.Scores, all bool) {
	now := time.Now()
	if n := d.schedule.failures; n > 0 {
		d.opts.Log.Info("the scorer answers again", "scorer", d.process.name, "failed calls", n)
	}
	d.schedule.answered(now, req.Led)
	if table.Changes { // the scorer does not speak of chains that are no longer led
		table.Unscored = append(table.Unscored, req.RemovedChains...)
	}
	if !d.hand(ctx, table) {
		d.view.base = nil // so that the scorer is asked again at the next tick
		d.status.setIdle("the loop takes no scores")
		return
	}
	d.tableInLoop, d.tooMany = true, 0
	d.histories.record(now, table, all)
	if req.Full {
		d.histories.retain(&d.view.now)
	} else {
		d.histories.drop(req.RemovedChains)
	}
	d.view.answered(req)
	d.status.setScored(req.Version, d.histories.scored(), now)
}

// failed takes the table back: what a scorer answered before it failed is not a reason
// to move anything.
func (d *Driver) failed(ctx context.Context, scorer Scorer, err error) {
	d.view.base = nil
	d.schedule.failed(time.Now())
	d.status.setIdle(errorText(err))
	news := d.schedule.failures == 1 && !errors.Is(err, ErrAway)
	if tooMany := (*TooManyError)(nil); errors.As(err, &tooMany) {
		news = d.tooMany == 0
		d.tooMany = tooMany.Chains
	}
	d.opts.Log.Debug("the scorer failed", "scorer", scorer.Name(), "error", err)
	if news {
		d.report(ctx, scorer, errorText(err))
	}
	d.withdraw(ctx)
}

// withdraw takes back the table that the loop has, by handing it one without opinions.
func (d *Driver) withdraw(ctx context.Context) {
	if d.tableInLoop && d.hand(ctx, mesh.Scores{ViewVersion: d.tick}) {
		d.tableInLoop = false
	}
}

// hand hands a table to the loop, and reports whether the loop took it.
func (d *Driver) hand(ctx context.Context, table mesh.Scores) bool {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	err := d.opts.Feed.Scores(ctx, table)
	if err != nil {
		d.opts.Log.Debug("the loop did not take a table of scores", "error", err)
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

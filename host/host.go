package host

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/chain"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/metrics"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
)

// Bounds of an orderly end; together they stay below the 5 s that a node may take.
const (
	endDaemons = 2 * time.Second
	endActions = time.Second
	endRecords = time.Second
	endReports = 500 * time.Millisecond
)

// staleTicks is how many intervals after its last tick a loop counts as standing
// still, for the service manager's watchdog.
const staleTicks = 3

// Options is what a node gets beside its configuration.
type Options struct {
	Version string
	Log     *slog.Logger // required
	// StopDaemons ends the daemons with the node; without it they go on, and the next
	// node on the same data directory takes them over.
	StopDaemons bool
	// Reload asks for the configuration file to be read again; nil for never.
	Reload <-chan os.Signal
	// Journal is the file to record the run in; "" for none.
	Journal string
}

// node is a node that is being run: the rooms, joined.
type node struct {
	cfg  *config.Config
	opts Options
	log  *slog.Logger

	loop      *loop.Loop
	handle    *loop.Handle // the host's own, so that the loop lasts as long as the host
	catalog   *catalog.Catalog
	daemons   *daemon.Manager
	executor  *executor.Executor
	records   *chain.Records
	scoring   *scoring.Room
	metrics   *metrics.Metrics
	reports   *reports
	seams     *seams
	operators *operator.Room
	pace      *pace
	recording recording
}

// Run runs a node until ctx ends, a Shutdown event ends its loop, or something it
// can't do without fails; then it ends everything it started, within 5 s. The
// error is nil after an orderly end.
func Run(ctx context.Context, cfg *config.Config, opts Options) error {
	for _, w := range cfg.Warnings {
		opts.Log.Warn("configuration", "file", w.File, "line", w.Line, "key", w.Key, "message", w.Message)
	}
	unlock, err := lockDataDir(cfg.Node.DataDir)
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }()
	spawner := process.NewSpawner()
	defer spawner.Close()

	n, err := assemble(cfg, opts, spawner)
	if err != nil {
		return err
	}
	defer n.endRecording()
	defer func() { _ = n.operators.Close() }()
	doors, err := n.open(ctx)
	if err != nil {
		return errors.Join(err, n.records.Close())
	}
	return n.run(ctx, doors)
}

// assemble makes the rooms of a node and joins their doors; nothing runs yet.
func assemble(cfg *config.Config, opts Options, spawner *process.Spawner) (_ *node, err error) {
	epoch, err := newEpoch()
	if err != nil {
		return nil, err
	}
	n := &node{cfg: cfg, opts: opts, log: opts.Log}
	if n.operators, err = n.openOperators(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = n.operators.Close()
		}
	}()
	start := time.Now()
	boot := state.Boot{
		At:            mesh.Stamp{Wall: start.Round(0)},
		Node:          cfg.Node.ID,
		NodeName:      cfg.Node.Name,
		Epoch:         epoch,
		Policy:        cfg.Policy(),
		Desired:       cfg.Desired(),
		Operators:     cfg.Operators.Signers != "",
		AllowUnsigned: cfg.Operators.AllowUnsigned,

		FreezeRemaining: n.operators.FreezeRemaining(),
	}
	if n.recording, err = beginRecording(opts.Journal, cfg, boot); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			n.endRecording()
		}
	}()
	n.loop = loop.New(loop.Config{
		TickInterval: cfg.Loop.TickInterval,
		ProbeBudget:  cfg.Loop.ProbeBudget,
		EventQueue:   cfg.Loop.EventQueue,
		ActionQueue:  cfg.Loop.ActionQueue,
		Operators:    cfg.Operators.Signers != "",
		Start:        start,
	}, state.New(boot), loop.Parts{
		Recorder: n.recording.recorder(),
		Decorate: n.decorate,
		OnTick:   func(took time.Duration) { n.metrics.Tick(took) },
	})
	n.handle = n.loop.Handle()
	n.pace = newPace(n.loop.Reader())
	n.reports = newReports(n.loop.Feed(), opts.Log)
	n.metrics = metrics.New(opts.Version, metrics.Source{
		Latest:      n.loop.Reader().Latest,
		EventQueue:  n.loop.EventQueueDepth,
		ActionQueue: n.loop.ActionQueueDepth,
		Commands:    n.operators.Counts,
	})
	n.scoring = scoring.New(scoring.Options{
		Reader:           n.loop.Reader(),
		Feed:             n.loop.Feed(),
		Scorer:           n.loop.Slots().Scorer,
		DecisionInterval: cfg.Scheduler.DecisionInterval,
		TickInterval:     cfg.Loop.TickInterval,
		Log:              opts.Log,
	})
	now := func() mesh.Time { return mesh.Time(time.Since(start)) }
	n.seams = newSeams(n, now)
	if n.catalog, err = catalog.New(n.catalogOptions()); err != nil {
		return nil, err
	}
	n.daemons = n.newDaemons(spawner)
	router := executor.NewRouter(n.daemons, now)
	router.Actuators = n.seams.actuators.find
	n.executor = executor.New(executor.Options{
		Dispatcher: toldFirst{router, n.seams.control, now},
		Outcomes:   n.loop.Feed(),
		Now:        now,
		Timeout:    cfg.Loop.ActionTimeout,
		Admission:  admissionOf(cfg.Admission),
		Grace:      endActions,
		Observe: func(kind string, end executor.End, took time.Duration) {
			n.metrics.Action(kind, string(end), took)
		},
		Log: opts.Log,

		StillWanted:  stillWanted(n.loop.Feed()),
		Backpressure: n.seams.control.Backpressure,
	})
	n.records, err = n.openRecords()
	return n, err
}

func admissionOf(c config.Admission) executor.Admission {
	return executor.Admission{
		PullCooldown:     c.PullCooldown,
		Stabilization:    c.Stabilization,
		DrainRate:        c.DrainRate,
		BackpressureHigh: c.BackpressureHigh,
		BackpressureLow:  c.BackpressureLow,
		MaxDefers:        c.MaxDefers,
		Workers:          c.DispatchWorkers,
	}
}

// newEpoch gives the random number that tells this process's records from those
// of the one before.
func newEpoch() (uint64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("epoch: %w", err)
	}
	return max(1, binary.LittleEndian.Uint64(b[:])), nil
}

// decorate adds what the core does not know to a snapshot before it is published.
func (n *node) decorate(s *snapshot.Snapshot) {
	s.Plugins = n.catalog.Views()
	s.Scheduler = n.scoring.Scheduler(s)
	done := n.executor.Counters()
	s.Stats.Dispatched, s.Stats.Failed = done.Dispatched, done.Failed
	s.Stats.Deferred, s.Stats.Gated = done.Deferred, done.Gated
	s.Stats.DispatchRetries = done.DispatchRetries
	s.Stats.BackpressureAsserts, s.Stats.BackpressureReleases = done.BackpressureAsserts, done.BackpressureReleases
	s.Stats.AppendFailures = n.records.AppendFailures()
}

// run runs the assembled node and ends it in order: the API first, so that nobody
// asks for more; the daemons, or the hold on them, while the loop can still hear of
// it; the loop, once it has folded what it was told; then the records that are left,
// and the plugins last, since they store them.
func (n *node) run(ctx context.Context, doors doors) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	n.log.Info("node starts", "version", n.opts.Version, "node", uint64(n.cfg.Node.ID), "name", n.cfg.Node.Name,
		"epoch", strconv.FormatUint(n.loop.Reader().Latest().Epoch, 10), "socket", n.cfg.Node.Socket, "listen", n.cfg.Node.Listen)

	pluginsEnd, endPlugins := context.WithCancel(context.WithoutCancel(ctx))
	recordsEnd, endFollowers := context.WithCancel(context.WithoutCancel(ctx))
	reportsEnd, endTelling := context.WithCancel(context.WithoutCancel(ctx))
	loopEnd, endLoop := context.WithCancel(context.WithoutCancel(ctx))
	executorEnd, endExecutor := context.WithCancel(context.WithoutCancel(ctx))
	defer func() { endPlugins(); endFollowers(); endTelling(); endLoop(); endExecutor() }()

	n.adoptDaemons(ctx)
	var plugins, records, theLoop, reports, actions, around room
	plugins.run(func() {
		if err := n.catalog.Run(pluginsEnd); err != nil { // a node without plugins is a node
			stop(err)
		}
	})
	records.run(func() { n.records.Run(recordsEnd) })
	theLoop.run(func() { stop(n.loop.Run(loopEnd)) })
	actions.run(func() {
		if err := n.executor.Run(executorEnd, n.loop.Actions()); err != nil {
			n.log.Error("actions were left behind", "error", err)
		}
	})
	reports.run(func() { n.reports.run(reportsEnd) })
	around.run(func() { n.reloads(ctx) })
	around.run(func() { n.rememberFreeze(ctx) })
	around.run(func() { n.seams.run(ctx, n) })
	around.run(func() { n.watchRecording(ctx) })
	around.run(func() { n.scoring.Run(ctx) })
	around.run(func() { newNarrator(n.log).follow(ctx, n.loop.Reader().Latest, n.loop.Reader().Changed) })
	around.run(func() { (&notifier{log: n.log}).watch(ctx, n.loop.LastTickAt, staleTicks*n.cfg.Loop.TickInterval) })
	around.run(func() { stop(n.serve(ctx, doors)) })

	<-ctx.Done()
	began := time.Now()
	n.log.Info("node ends", "why", reason(ctx))
	around.wait(n.log, "api", endActions)
	endExecutor()
	actions.wait(n.log, "executor", endActions)
	grace := time.Duration(0) // the daemons go on
	if n.opts.StopDaemons {
		grace = endDaemons
	}
	n.seams.end(grace)
	n.endDaemons()
	endTelling()
	reports.wait(n.log, "reports", endActions)
	n.handle.Close() // the last one
	theLoop.wait(n.log, "loop", endActions)
	endLoop()
	endFollowers()
	records.wait(n.log, "records", endRecords)
	endPlugins()
	plugins.wait(n.log, "plugins", 3*time.Second)
	n.log.Info("node ended", "took", time.Since(began).Round(time.Millisecond))
	return failure(ctx)
}

// failure gives why the node ended if that was no orderly end.
func failure(ctx context.Context) error {
	cause := context.Cause(ctx)
	if cause == nil || errors.Is(cause, context.Canceled) {
		return nil
	}
	return cause
}

func reason(ctx context.Context) string {
	if err := failure(ctx); err != nil {
		return err.Error()
	}
	return "it was asked to"
}

// room is the goroutines of one room, waited for together.
type room struct{ all sync.WaitGroup }

func (r *room) run(f func()) { r.all.Go(f) }

// wait waits for the room's goroutines, at most for limit: a node must end.
func (r *room) wait(log *slog.Logger, name string, limit time.Duration) {
	done := make(chan struct{})
	go func() {
		r.all.Wait()
		close(done)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		log.Error("a part of the node did not end in time", "part", name, "limit", limit)
	}
}

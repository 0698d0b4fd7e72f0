package host

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/capacity"
	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/control"
	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/datadir"
	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/failures"
	"github.com/meshos/meshos/host/filelimit"
	"github.com/meshos/meshos/host/intake"
	"github.com/meshos/meshos/host/journal"
	"github.com/meshos/meshos/host/lifecycle"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/metrics"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/ordered"
	"github.com/meshos/meshos/host/plugins"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/reload"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/sdnotify"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/host/statuslog"
	"github.com/meshos/meshos/internal/guard"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// endWithin is how long an orderly end of a node takes at most.
const endWithin = 5 * time.Second

// staleTicks is how many intervals after its last tick a loop counts as standing
// still, for the service manager's watchdog.
const staleTicks = 3

// Run runs a node until ctx ends, a Shutdown event ends its loop, or something it
// can't do without fails; then it ends everything it started, within 5 s. The
// error is nil after an orderly end.
func Run(ctx context.Context, cfg *config.Config, opts Options) error {
	for _, w := range cfg.Warnings {
		opts.Log.Warn("configuration", "file", w.File, "line", w.Line, "key", w.Key, "message", w.Message)
	}
	for _, f := range cfg.Faults {
		opts.Log.Error("configuration", "file", f.File, "line", f.Line, "key", f.Key, "message", f.Message, "todo", f.Hint)
	}
	checkFiles(cfg, opts.Log)
	unlock, err := datadir.Lock(cfg.Node.DataDir)
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }()
	spawner, err := process.NewWatched(process.WatchOptions{Record: filepath.Join(cfg.Node.DataDir, "processes.json"), Log: opts.Log})
	if err != nil {
		return err
	}
	defer spawner.Close()
	n := &node{cfg: cfg, opts: opts}
	defer n.close()
	if err := n.make(ctx, spawner); err != nil {
		return err
	}
	if err := n.daemons.Adopt(ctx); err != nil { // the loop hears of them before its first tick
		n.failures.Add("daemons", err.Error())
	}
	opts.Log.Info("node starts", "version", opts.Version, "node", uint64(cfg.Node.ID), "name", cfg.Node.Name,
		"epoch", fmt.Sprintf("%016x", n.epoch), "socket", cfg.Node.Socket, "listen", cfg.Node.Listen)
	return lifecycle.Run(ctx, opts.Log, endWithin, opts.Abort, n.parts())
}

// reloads brings another configuration to the loop, and to the bounds before it.
type reloads struct {
	feed     loop.Feed
	capacity *capacity.Gate
}

// Reload implements the reloader's idea of a loop.
func (r reloads) Reload(ctx context.Context, next mesh.Reload) error {
	r.capacity.Configure(next.Desired)
	return r.feed.Reload(ctx, next)
}

// checkFiles raises how many files may be open, and warns if that is not enough.
func checkFiles(cfg *config.Config, log *slog.Logger) {
	limit, err := filelimit.Raise()
	if err != nil {
		log.Warn(err.Error())
	}
	if why := filelimit.TooLow(limit, filelimit.Node{Plugins: len(cfg.Plugins), Daemons: len(cfg.Daemons)}); limit > 0 && why != "" {
		log.Warn(why)
	}
}

// node is one node: its parts, in the order in which they are made.
type node struct {
	cfg   *config.Config
	opts  Options
	start time.Time
	epoch uint64

	records   *records.Records
	operators *operator.Authorizer
	ordered   *ordered.Log
	recording journal.Recording
	loop      *loop.Loop
	handle    *loop.Handle // the host's own, so that the loop lasts as long as the host
	capacity  *capacity.Gate
	intake    *intake.Intake
	failures  *failures.Reporter
	metrics   *metrics.Metrics
	scoring   *scoring.Driver
	catalog   *catalog.Catalog
	control   *control.Announcer
	plugins   *plugins.Plugins
	daemons   *daemon.Manager
	executor  *executor.Executor
	reload    *reload.Reloader
	api       *api.Service
	listeners *api.Listeners

	opened []func() error // what close closes, in the order in which it was opened
}

// make makes the parts, each from those before it. Nothing runs yet.
func (n *node) make(ctx context.Context, spawner *process.Spawner) (err error) {
	cfg, log := n.cfg, n.opts.Log
	n.start = time.Now()
	now := func() mesh.Time { return mesh.Time(time.Since(n.start)) }
	if n.epoch, err = newEpoch(); err != nil {
		return err
	}
	if n.records, err = records.Open(recordsOptions(cfg, log)); err != nil {
		return err
	}
	n.opened = append(n.opened, n.records.Close)
	if n.operators, err = operator.Open(operatorOptions(cfg, n.records.AuditFull, log)); err != nil {
		return err
	}
	n.opened = append(n.opened, n.operators.Close)
	report := func(source, reason string) { n.failures.Add(source, reason) }
	if n.ordered, err = ordered.Open(orderedOptions(cfg, report, log)); err != nil {
		return err
	}
	n.opened = append(n.opened, n.ordered.Close)
	boot, replaced, err := n.ordered.Restore(boot(cfg, n.epoch, n.start, n.operators.FreezeRemaining()))
	if err != nil {
		return err
	}
	if n.recording, err = journal.Record(n.opts.Journal, cfg.Effective(), boot); err != nil {
		return err
	}
	n.opened = append(n.opened, func() error { n.recording.Close(log, time.Second); return nil })

	n.loop = loop.New(loopConfig(cfg, n.start), state.New(boot))
	n.handle = n.loop.Handle()
	reader, feed := n.loop.Reader(), n.loop.Feed()
	n.failures = failures.New(feed, log)
	n.sayOrders(replaced)
	if err := n.operators.Unreadable(); err != nil {
		n.failures.Add("signers", fmt.Sprintf("every order is refused (%s): %v", operator.KindUnreadable, err))
	}
	n.metrics = metrics.New(metrics.Node{
		ID: cfg.Node.ID, Name: cfg.Node.Name, Cluster: cfg.Node.Cluster, Version: n.opts.Version, Start: n.start,
	})
	n.scoring = scoring.New(scoring.Options{
		Reader: reader, Feed: feed, Scorer: n.loop.Slots().Scorer,
		DecisionInterval: cfg.Scheduler.DecisionInterval, TickInterval: cfg.Loop.TickInterval, Log: log,
	})
	n.capacity = capacity.New(capacity.Options{
		Limits: capacity.Limits(cfg.Capacity), Node: cfg.Node.ID, Read: feed.ReadState, Report: n.failures.Add,
	})
	n.capacity.Configure(cfg.Desired())
	n.intake = intake.New(intake.Options{
		Capacity: n.capacity,
		Loop:     n.ordered.Queue(n.handle), Authorizer: n.operators, Snapshots: reader, Node: cfg.Node.ID, RefusalRoom: n.records.RefusalRoom,
	})

	co := catalogOptions(cfg)
	co.Spawner = spawner
	co.Log = plugins.LogLines(n.handle, log)
	co.Failure = func(plugin, reason string) { n.failures.Add("plugin:"+plugin, reason) }
	co.Observe = func(plugin, method string, took time.Duration, _ error) { n.metrics.Call(plugin, method, took) }
	if n.catalog, err = catalog.New(co); err != nil {
		return err
	}
	subscriptions, err := plugins.Subscriptions(cfg, n.catalog)
	if err != nil {
		return err
	}
	if err := n.records.Subscribe(subscriptions); err != nil {
		return err
	}
	n.control = control.New(control.Options{DrainDeadline: cfg.Maintenance.DrainDeadline, Report: n.failures.Add, Log: log})
	n.plugins = plugins.New(plugins.Options{
		Config: cfg, Catalog: n.catalog, Loop: n.loop, Intake: n.intake,
		Control: n.control, Report: n.failures.Add, Now: now, Log: log,
	})

	do := daemonOptions(cfg, log)
	do.Spawner, do.Events = spawner, daemonEvents{n.handle, n.metrics}
	n.daemons = daemon.New(do)
	n.daemons.Configure(daemon.Specs(cfg.Daemons))
	router := executor.NewRouter(n.daemons, n.plugins.Actuator, now)
	n.executor = executor.New(executor.Options{
		Dispatcher: plugins.InformFirst{Dispatcher: router, Control: n.control, Now: now},
		Outcomes:   feed,
		Now:        now,
		Timeout:    cfg.Loop.ActionTimeout,
		Admission:  admission(cfg),
		Grace:      endActions,
		Observe: func(kind string, end executor.End, took time.Duration) {
			n.metrics.Action(kind, string(end), took)
		},
		Log:          log,
		StillWanted:  feed.StillWanted,
		Backpressure: n.control.Backpressure,
	})
	n.metrics.Register(metrics.Source{
		Latest: reader.Latest, EventQueue: n.loop.EventQueueDepth, ActionQueue: n.loop.ActionQueueDepth,
		Commands: n.operators.Counts, Suppressed: n.daemons.Suppressed,
		Capacity: n.capacity.Limits, Refused: n.capacity.Refused,
		RecordsOnDisk: n.records.OnDisk, AuditFull: n.records.AuditFull,
	})
	n.reload = reload.New(cfg, reload.Parts{
		Signers: n.operators, Intake: n.intake, Daemons: n.daemons, Loop: reloads{feed, n.capacity}, Plugins: n.plugins, Report: n.failures.Add, Log: log,
		Ended: n.reloaded,
	})

	n.api = api.NewService(api.Options{
		Reader: reader, Intake: n.intake.Client(intake.API()), Plugins: n.catalog, StateReader: feed, Records: n.records,
		Report: n.failures.Add, Origin: n.catalog.PluginOf,
		Simulate: func(ev mesh.AdminEvent) (*meshosv1.BlastRadius, []byte, error) {
			radius, hash, err := n.operators.Simulate(reader.Latest(), ev)
			return radius, hash[:], err
		},
		History: func(chain mesh.ChainID) (string, bool) {
			if h, known := n.scoring.History(chain); known {
				return h.String(), true
			}
			return "", false
		},
		Reload: func(ctx context.Context) (api.Reloaded, error) {
			result, err := n.reload.Reload(ctx)
			return api.Reloaded(result), err
		},
		Durable: func(ctx context.Context, c mesh.RecordChain, seq uint64) error {
			return n.records.Durable(ctx, c, n.epoch, seq)
		},
	})
	if n.listeners, err = api.OpenListeners(ctx, cfg.Node.Socket, cfg.Node.Listen); err != nil {
		return err
	}
	n.opened = append(n.opened, n.listeners.Close)
	return nil
}

// sayOrders writes to the node's records what became of the orders of earlier runs.
func (n *node) sayOrders(replaced []mesh.LogLine) {
	for _, problem := range n.ordered.Notes() {
		n.failures.Add("ordered", problem)
	}
	for _, line := range replaced {
		n.opts.Log.Info("orders", "message", line.Message)
		if err := n.handle.TryPublish(line); err != nil {
			n.opts.Log.Warn("a line found no room in the node's log", "line", line.Message, "error", err)
		}
	}
}

// close closes what was opened, in reverse order. Parts that ran have closed theirs.
func (n *node) close() {
	for i := len(n.opened) - 1; i >= 0; i-- {
		_ = n.opened[i]()
	}
}

// What parts get for what is left at the end, within their limits.
const (
	endActions = 300 * time.Millisecond
	endRecords = 450 * time.Millisecond // then cursors are saved and files closed
)

// parts lists what runs: from top to bottom in the order of the start, from bottom to
// top in that of the end. The end of a part may need those above it: a daemon's last
// event needs the loop, the last record the plugin that stores it.
func (n *node) parts() []lifecycle.Part {
	log, reader, ms := n.opts.Log, n.loop.Reader(), time.Millisecond
	return []lifecycle.Part{
		{Name: "journal", Limit: 100 * ms, Run: func(ctx context.Context) error {
			n.recording.Watch(ctx, log, n.failures.Add)
			return nil
		}, Stop: func(context.Context) { n.recording.Close(log, 90*ms) }},
		{Name: "plugins", Limit: 700 * ms, Rest: true, Run: func(ctx context.Context) error {
			return n.catalog.Run(ctx, n.plugins.Serving)
		}},
		{Name: "records", Limit: 500 * ms, Run: func(ctx context.Context) error {
			n.records.Run(ctx, records.Node{Reader: reader, Feed: n.loop.Feed()})
			return nil
		}},
		{Name: "loop", Limit: 350 * ms, Run: n.runLoop, Stop: func(ctx context.Context) {
			n.handle.Close() // the last one: the loop folds what is queued and ends
			select {
			case <-n.loop.Done():
			case <-time.After(100 * ms):
			case <-ctx.Done():
			}
		}},
		{Name: "failures", Limit: 100 * ms, Run: func(ctx context.Context) error {
			n.failures.Run(ctx, 50*ms)
			return nil
		}},
		{Name: "daemons", Limit: 1200 * ms, Rest: true, Run: nothing, Stop: func(ctx context.Context) {
			n.daemons.End(ctx, n.opts.StopDaemons)
		}},
		{Name: "control sinks", Limit: plugins.InformWithin + 50*ms, Run: func(ctx context.Context) error {
			n.control.Follow(ctx, reader)
			return nil
		}, Stop: n.endControl},
		{Name: "executor", Limit: endActions + 150*ms, Run: func(ctx context.Context) error {
			return n.executor.Run(ctx, n.loop.Actions())
		}},
		{Name: "event sources", Limit: 200 * ms, Run: together(n.plugins.Run)},
		{Name: "followers", Limit: 200 * ms, Run: together(
			n.scoring.Run,
			n.intake.Run,
			func(ctx context.Context) { n.operators.Follow(ctx, reader) },
			func(ctx context.Context) { n.metrics.Follow(ctx, reader) },
			func(ctx context.Context) { n.ordered.Follow(ctx, reader) },
			func(ctx context.Context) { statuslog.New(log).Run(ctx, reader) },
			func(ctx context.Context) {
				sdnotify.New(log).Run(ctx, n.loop.LastTickAt, staleTicks*n.cfg.Loop.TickInterval)
			},
			func(ctx context.Context) { n.reload.Run(ctx, n.opts.Reload) },
		)},
		{Name: "api", Limit: 600 * ms, Run: n.serve},
	}
}

// nothing is the Run of a part that is only ended.
func nothing(context.Context) error { return nil }

// together runs several things as one part, and waits for all of them.
func together(runs ...func(context.Context)) func(context.Context) error {
	return func(ctx context.Context) error {
		var all sync.WaitGroup
		for _, run := range runs {
			all.Go(func() { run(ctx) })
		}
		all.Wait()
		return nil
	}
}

// runLoop runs the loop, whose own end, after a Shutdown event, is that of the node.
func (n *node) runLoop(ctx context.Context) error {
	err := n.loop.Run(ctx, loop.Hooks{Decorate: n.decorate, OnTick: n.metrics.Tick, Recorder: n.recording.Recorder()})
	if err == nil {
		return lifecycle.ErrEnd
	}
	return err
}

// decorate adds what the core does not know to a snapshot before it is published.
func (n *node) decorate(s *snapshot.Snapshot) {
	s.Plugins, s.Info = n.catalog.Views(), n.info()
	s.Scheduler = n.scoring.Scheduler(s)
	done := n.executor.Counters()
	s.Stats.Dispatched, s.Stats.Failed = done.Dispatched, done.Failed
	s.Stats.Deferred, s.Stats.Gated = done.Deferred, done.Gated
	s.Stats.DispatchRetries = done.DispatchRetries
	s.Stats.BackpressureAsserts, s.Stats.BackpressureReleases = done.BackpressureAsserts, done.BackpressureReleases
	s.Stats.AppendFailures = n.records.AppendFailures()
	n.capacity.Refused(func(_, _ string, refused uint64) { s.Stats.EventsRefused += refused })
}

// info returns what does not change from tick to tick.
func (n *node) info() *snapshot.Info {
	o := n.cfg.Operators
	return &snapshot.Info{
		Name: n.cfg.Node.Name, Cluster: n.cfg.Node.Cluster, Version: n.opts.Version,
		StartedAt: n.start, Uptime: time.Since(n.start), Operators: n.operators.Names(),
		Unsigned: o.Signers == "" || o.AllowUnsigned, Ordinary: max(1, o.Ordinary), BreakGlass: max(1, o.BreakGlass),
	}
}

// reloaded counts what became of a reload.
func (n *node) reloaded(result reload.Result) {
	what := metrics.TakenOver
	switch {
	case result.Rejected != "":
		what = metrics.Rejected
	case len(result.NeedsRestart)+len(result.Kept) > 0:
		what = metrics.InPart
	}
	n.metrics.Reloaded(what, time.Now())
}

func (n *node) serve(ctx context.Context) error {
	handler := api.NewHTTP(api.HTTPOptions{
		Reader: n.loop.Reader(), TickInterval: n.cfg.Loop.TickInterval, Metrics: n.metrics.Registry(),
		LastTick: n.loop.LastTickAt, Now: time.Now, Name: n.cfg.Node.Name, Version: n.opts.Version,
	})
	return n.listeners.Serve(ctx, n.api, handler, func(method string, panicked *guard.PanicError) {
		n.opts.Log.Error("a handler of the API panicked", "method", method,
			"value", panicked.Value, "place", panicked.Place, "stack", string(panicked.Stack))
	})
}

// endControl informs control sinks of the end if the daemons end with the node.
func (n *node) endControl(ctx context.Context) {
	if !n.opts.StopDaemons {
		n.control.Close()
		return
	}
	ctx, cancel := context.WithTimeout(ctx, plugins.InformWithin)
	defer cancel()
	n.control.Shutdown(ctx, daemonsEnd)
}

// daemonsEnd is what daemons have at least to end with the node.
const daemonsEnd = time.Second

package host

import (
	"context"
	"fmt"
	"log/slog"
	"net"
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
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/meshlink"
	"github.com/meshos/meshos/host/meshlog"
	"github.com/meshos/meshos/host/metrics"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/ordered"
	"github.com/meshos/meshos/host/plugins"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/reload"
	"github.com/meshos/meshos/host/resolve"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/sdnotify"
	"github.com/meshos/meshos/host/state"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// node is one node: its parts, in the order in which they are made.
type node struct {
	cfg   *config.Config
	opts  Options
	start time.Time
	epoch uint64
	small *process.Program // see smallProgram

	key        nodeKey
	dataDir    *datadir.Watch
	records    *records.Records
	operators  *operator.Authorizer
	ordered    *ordered.Log
	meshlog    *meshlog.Log
	recording  journal.Recording
	loop       *loop.Loop
	handle     *loop.Handle // the host's own, so that the loop lasts as long as the host
	capacity   *capacity.Gate
	intake     *intake.Intake
	failures   *failures.Reporter
	metrics    *metrics.Metrics
	scoring    *scoring.Driver
	names      *resolve.Resolver
	unresolved unresolved
	catalog    *catalog.Catalog
	control    *control.Announcer
	link       *meshlink.Link
	labels     labels
	plugins    *plugins.Plugins
	daemons    *daemon.Manager
	executor   *executor.Executor
	reload     *reload.Reloader
	manager    *sdnotify.Notifier
	api        *api.Service
	listeners  *api.Listeners

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
	boot, replaced, err := n.openOrders(log)
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
	n.dataDir = datadir.NewWatch(cfg.Node.DataDir, log)
	if err := n.dataDir.Err(); err != nil {
		n.failures.Add("data_dir", err.Error())
	}
	if err := n.operators.Unreadable(); err != nil {
		n.failures.Add("signers", fmt.Sprintf("every order is refused (%s): %v", rules.KindUnreadable, err))
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
		Mesh:     n.meshlog,
		Loop:     n.ordered.Queue(n.handle), Authorizer: n.operators, Records: n.loop.Records(), Taken: n.records.AuditTaken, Node: cfg.Node.ID, RefusalRoom: n.records.RefusalRoom,
	})

	n.names = resolve.New(resolve.Options{Lookup: resolve.With(net.DefaultResolver), Grace: cfg.Locality.ResolveGrace})
	n.names.Want(plugins.HostNames(cfg.Peers))
	co := catalogOptions(cfg, n.names)
	co.Spawner = spawner
	co.Mesh = n.meshIdentity
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
	n.labels.set(cfg.Desired().Labels)
	n.link = meshlink.New(n.linkOptions())
	n.installMesh()
	n.plugins = plugins.New(plugins.Options{
		Config: cfg, Catalog: n.catalog, Names: n.names, Loop: n.loop, Intake: n.intake,
		Control: n.control, Mesh: n.link, Report: n.failures.Add, Now: now, Log: log,
	})

	do := daemonOptions(cfg, log)
	do.Program = n.small
	do.Spawner, do.Events = spawner, daemonEvents{n.handle, n.metrics}
	do.Failure = func(d mesh.DaemonRef, reason string) { n.failures.Add("daemon:"+d.String(), reason) }
	do.Recorded = func() map[mesh.DaemonID]mesh.OutputPlace {
		last, err := n.records.LastOutput(ctx)
		if err != nil {
			log.Warn("which lines of daemons are recorded is not known, so some may be logged twice", "error", err)
		}
		return last
	}
	n.daemons = daemon.New(do)
	n.daemons.Configure(daemon.Specs(cfg))
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
		Progress:     progress(reader.Latest),
		Backpressure: n.control.Backpressure,
	})
	n.metrics.Register(metrics.Source{
		Latest: reader.Latest, EventQueue: n.loop.EventQueueDepth, ActionQueue: n.loop.ActionQueueDepth,
		Commands: n.operators.Counts, Suppressed: n.daemons.Suppressed, LostLines: n.opts.lostLines,
		Capacity: n.capacity.Limits, Refused: n.capacity.Refused,
		Records:     func(c mesh.RecordChain) metrics.RecordsState { return metrics.RecordsState(n.records.State(c)) },
		RecordsFree: n.records.Free, AuditFull: n.records.AuditFull, Names: n.namesState, Mesh: n.meshState,
	})
	n.manager = sdnotify.New(log)
	n.reload = reload.New(cfg, reload.Parts{
		Signers: n.operators, Intake: n.intake, Daemons: n.daemons, Loop: reloads{feed, n.capacity, n.ordered, &n.labels}, Plugins: n.plugins, Report: n.failures.Add, Log: log,
		Began: n.manager.Reloading, Ended: n.reloaded, Apart: n.apart,
	})

	n.api = api.NewService(api.Options{
		Reader: reader, Intake: n.intake.Client(intake.API()), Plugins: n.catalog, StateReader: feed, Records: n.records,
		Verified: n.operators.HasOperators(),
		Report:   n.failures.Add, Origin: n.catalog.PluginOf,
		Simulate: func(ev mesh.AdminEvent) (*hostv1.SimulateResponse, error) {
			return n.operators.Preview(reader.Latest(), ev)
		},
		Operators: n.operators.Roster,
		Names:     n.peerNames,
		Ask:       n.ask,
		Chains:    func() []*meshosv1.SetChain { return n.meshlog.Members().GetChains() },
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
	if n.listeners, err = api.OpenListeners(ctx, cfg.Node.Socket, cfg.Node.SocketGroup, cfg.Node.Listen); err != nil {
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
	for _, problem := range n.meshlog.Notes() {
		n.failures.Add("mesh:log", problem)
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

// reloads brings another configuration to the loop, and to the bounds and the log of orders
// before it.
type reloads struct {
	feed     loop.Feed
	capacity *capacity.Gate
	ordered  *ordered.Log
	labels   *labels
}

// Reload implements the reloader's idea of a loop.
func (r reloads) Reload(ctx context.Context, next mesh.Reload) error {
	r.capacity.Configure(next.Desired)
	r.ordered.Configure(next.Desired)
	r.labels.set(next.Desired.Labels)
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

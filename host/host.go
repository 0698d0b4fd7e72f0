package host

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/metrics"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
)

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
	records   *records.Records
	scoring   *scoring.Driver
	metrics   *metrics.Metrics
	reports   *reports
	seams     *seams
	operators *operator.Authorizer
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
	if n.records, err = n.openRecords(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = n.records.Close()
		}
	}()
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
	}, state.New(boot))
	n.handle = n.loop.Handle()
	n.pace = newPace(n.loop.Reader())
	n.reports = newReports(n.loop.Feed(), opts.Log)
	n.metrics = metrics.New(opts.Version)
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
	n.metrics.Register(metrics.Source{
		Latest:      n.loop.Reader().Latest,
		EventQueue:  n.loop.EventQueueDepth,
		ActionQueue: n.loop.ActionQueueDepth,
		Commands:    n.operators.Counts,
		Suppressed:  n.daemons.Suppressed,
	})
	router := executor.NewRouter(n.daemons, n.seams.actuators.find, now)
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
	return n, n.subscribeAppenders()
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

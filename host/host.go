package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/datadir"
	"github.com/meshos/meshos/host/lifecycle"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/metrics"
	"github.com/meshos/meshos/host/mirror"
	"github.com/meshos/meshos/host/plugins"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/reload"
	"github.com/meshos/meshos/host/sdnotify"
	"github.com/meshos/meshos/host/statuslog"
	"github.com/meshos/meshos/host/trim"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/guard"
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
	small := smallProgram(ctx, cfg, opts)
	if small != nil {
		defer small.Close()
	}
	spawner, err := process.NewWatched(process.WatchOptions{Record: filepath.Join(cfg.Node.DataDir, "processes.json"), Program: small, Log: opts.Log})
	if err != nil {
		return err
	}
	defer spawner.Close()
	n := &node{cfg: cfg, opts: opts, small: small}
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
			n.records.Run(ctx, records.Node{
				Reader: n.loop.Records(), Feed: n.loop.Feed(), Say: func(line mesh.LogLine) error { return n.handle.TryPublish(line) },
				Recorded: n.daemons.Recorded,
			})
			return nil
		}},
		{Name: "mirror", Limit: 100 * ms, Run: n.mirror},
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
			collectOrphans,
			trim.Run,
			n.scoring.Run,
			n.intake.Run,
			func(ctx context.Context) { n.names.Run(ctx, n.namesChanged) },
			func(ctx context.Context) { n.operators.Follow(ctx, reader) },
			func(ctx context.Context) { n.metrics.Follow(ctx, reader) },
			func(ctx context.Context) { n.ordered.Follow(ctx, reader) },
			func(ctx context.Context) { statuslog.New(log).Run(ctx, reader) },
			func(ctx context.Context) {
				n.manager.Run(ctx, sdnotify.Node{
					LastTick: n.loop.LastTickAt, Stale: staleTicks * n.cfg.Loop.TickInterval, Status: n.sentence(),
				})
			},
			func(ctx context.Context) { n.reload.Run(ctx, n.opts.Reload) },
			n.dataDir.Run,
		)},
		{Name: "mesh", Limit: 150 * ms, Run: together(n.talk, n.meshlog.Run), Stop: n.link.Leave},
		{Name: "api", Limit: 600 * ms, Run: n.serve},
	}
}

// collectOrphans collects whom a container leaves to its process 1, if that is this one.
func collectOrphans(ctx context.Context) {
	if os.Getpid() == 1 {
		process.CollectOrphans(ctx)
	}
}

// nothing is the Run of a part that is only ended.
func nothing(context.Context) error { return nil }

// mirror writes the lines of daemons to the node's own log, if the configuration wants that.
func (n *node) mirror(ctx context.Context) error {
	if n.cfg.Records.Mirror == config.MirrorStderr {
		mirror.New(n.opts.Log).Run(ctx, n.loop.Reader())
	}
	return nil
}

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

// sentence returns what says how the node is, nil if nothing does.
func (n *node) sentence() func() string {
	if n.opts.Sentence == nil {
		return nil
	}
	return func() string { return n.opts.Sentence(wire.SnapshotToProto(n.loop.Reader().Latest())) }
}

// reloaded counts what became of a reload, and tells the service manager.
func (n *node) reloaded(result reload.Result) {
	what, note := metrics.TakenOver, ""
	switch {
	case result.Rejected != "":
		what, note = metrics.Rejected, "The last reload was rejected, since the configuration has mistakes: meshos validate shows them."
	case len(result.NeedsRestart) > 0:
		what, note = metrics.InPart, "The last reload was in part: the node has to be restarted for the rest, see meshos reload."
	case len(result.Kept) > 0:
		what, note = metrics.InPart, "The last reload was in part: a plugin keeps its configuration, see meshos reload."
	}
	n.metrics.Reloaded(what, time.Now())
	n.manager.Reloaded(note)
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

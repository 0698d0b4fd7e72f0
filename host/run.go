package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/records"
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

// run runs the assembled node and ends it in order: the API first, so that nobody
// asks for more; the daemons, or the hold on them, while the loop can still hear of
// it; the loop, once it has folded what it was told; then the records that are left,
// and the plugins last, since they store them.
func (n *node) run(ctx context.Context, doors doors) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	n.log.Info("node starts", "version", n.opts.Version, "node", uint64(n.cfg.Node.ID), "name", n.cfg.Node.Name,
		"epoch", fmt.Sprintf("%016x", n.loop.Reader().Latest().Epoch), "socket", n.cfg.Node.Socket, "listen", n.cfg.Node.Listen)

	pluginsEnd, endPlugins := context.WithCancel(context.WithoutCancel(ctx))
	recordsEnd, endFollowers := context.WithCancel(context.WithoutCancel(ctx))
	reportsEnd, endTelling := context.WithCancel(context.WithoutCancel(ctx))
	loopEnd, endLoop := context.WithCancel(context.WithoutCancel(ctx))
	executorEnd, endExecutor := context.WithCancel(context.WithoutCancel(ctx))
	defer func() { endPlugins(); endFollowers(); endTelling(); endLoop(); endExecutor() }()

	n.adoptDaemons(ctx)
	var plugins, recorded, theLoop, reports, actions, around room
	plugins.run(func() {
		if err := n.catalog.Run(pluginsEnd, newServing(n).changed); err != nil { // a node without plugins is a node
			stop(err)
		}
	})
	recorded.run(func() { n.records.Run(recordsEnd, records.Node{Reader: n.loop.Reader(), Feed: n.loop.Feed()}) })
	theLoop.run(func() {
		stop(n.loop.Run(loopEnd, loop.Hooks{Recorder: n.recording.recorder(), Decorate: n.decorate, OnTick: n.metrics.Tick}))
	})
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
	recorded.wait(n.log, "records", endRecords)
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

package loop

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
)

// tick calls the sources, goes on folding events until all have answered or the budget
// is over, folds the answers, runs one pass and publishes the snapshot. It returns false
// when the loop is to end.
func (l *Loop) tick(ctx context.Context, now time.Time) (goOn bool) {
	srcs := slices.Concat(l.probes.sources(), l.handlers.sources(), l.slots.sources())
	asked, reports := l.poll.ask(now, srcs, l.healthyPeers())
	if asked != nil && !l.await(ctx, asked, now.Add(l.cfg.ProbeBudget)) {
		return false
	}

	now = time.Now()
	at := l.stamp(now)
	for _, report := range reports {
		l.apply(at, report)
	}
	l.foldAnswers(at)
	if l.handlers.count() > 0 && !l.foldRecovered(ctx, at) {
		return false
	}
	result := l.pass(at)
	// Built before anything else is folded, so that a replayed journal has the same one.
	snap := l.core.Snapshot(at)
	l.unpublished = false
	if result.Dropped > 0 {
		l.log(at, mesh.LevelWarn, fmt.Sprintf("the action queue is full: dropped %d actions, the first a %s",
			result.Dropped, result.FirstDropped.Kind()))
	}
	took := l.publish(at, snap, now)
	if hook := l.hooks.OnTick; hook != nil {
		l.callHook(at, "on-tick", &l.onTick, func() { hook(took) })
	}
	return true
}

// await folds what is queued until all answers of the round have come or the deadline
// is over. It returns false when the loop is to end.
func (l *Loop) await(ctx context.Context, r *round, deadline time.Time) (goOn bool) {
	now := time.Now()
	l.timer.Reset(deadline.Sub(now))
	for now.Before(deadline) {
		select {
		case <-r.done:
			return true
		default:
		}
		folded, goOn := l.fold(ctx, now)
		if !goOn {
			return false
		}
		if folded == 0 {
			select {
			case <-r.done:
				return true
			case <-l.timer.C:
			case <-l.events.ready:
			case <-l.inputs.ready:
			case <-l.reads.timer.C:
			case request := <-l.reads.next(now):
				l.reads.serve(request)
			case <-ctx.Done():
				return false
			}
		}
		now = time.Now()
	}
	return true
}

// foldAnswers folds what was answered, in the order of the sources.
func (l *Loop) foldAnswers(at mesh.Stamp) {
	listed := false
	for _, c := range l.poll.order {
		listed = listed || c.src.kind == migrationSource
		for _, a := range c.answers() {
			l.foldAnswer(at, c, a)
		}
	}
	if l.listed && !listed {
		l.apply(at, mesh.Migrations{}) // the source was removed, and its list with it
	}
	l.listed = listed
}

// foldAnswer folds one answer, and records it when its source begins or ceases to fail.
func (l *Loop) foldAnswer(at mesh.Stamp, c *caller, a *answer) {
	switch c.src.kind {
	case localityProbe, healthProbe, inventoryProbe:
		l.apply(at, a.samples(c.src.name))
	case migrationSource:
		if a.err == "" {
			l.apply(at, mesh.Migrations{InFlight: a.migrations})
		}
	}
	if a.err != "" {
		if c.streak.failed(a.err) {
			l.apply(at, mesh.FailureReport{Source: c.src.title(), Reason: a.err})
		}
	} else if n := c.streak.ended(); n > 0 {
		l.log(at, mesh.LevelInfo, fmt.Sprintf("%s answers again, after %s", c.src.title(), failedCalls(n)))
	}
}

// foldRecovered folds a chunk of what is queued, so that what recovery handlers have just
// published counts for the pass of this tick. It returns false when the loop is to end.
func (l *Loop) foldRecovered(ctx context.Context, at mesh.Stamp) (goOn bool) {
	heard, goOn := l.foldEvents(ctx, at)
	l.count.events.Add(uint64(heard))
	return goOn && ctx.Err() == nil
}

// pass reconciles once and hands out as many actions as the queue has free places.
func (l *Loop) pass(at mesh.Stamp) reconcile.Result {
	free := cap(l.actions) - len(l.actions)
	l.record(at, func(r Recorder) { r.Tick(at, free) })
	result := l.core.Pass(at, free)
	for _, action := range result.Actions {
		l.actions <- action // never blocks: there are free places, and nobody else sends
	}
	l.count.emitted.Add(uint64(len(result.Actions)))
	l.count.dropped.Add(uint64(result.Dropped))
	l.count.ticks.Add(1)
	return result
}

// publish completes the snapshot and publishes it. It returns how long the tick took
// since began.
func (l *Loop) publish(at mesh.Stamp, snap *snapshot.Snapshot, began time.Time) (took time.Duration) {
	snap.Stats = l.count.stats()
	if decorate := l.hooks.Decorate; decorate != nil {
		l.callHook(at, "decorate", &l.decorate, func() { decorate(snap) })
	}
	now := time.Now()
	took = now.Sub(began)
	snap.Stats.LastTickTook = took
	l.count.took.Store(int64(took))
	l.count.lastTick.Store(&now)
	l.broadcast.publish(snap)
	return took
}

// log folds a line for the node's log.
func (l *Loop) log(at mesh.Stamp, level mesh.LogLevel, message string) {
	l.apply(at, mesh.Heard{Event: mesh.LogLine{Level: level, Message: message}})
}

// healthyPeers returns the peers that are healthy by the last snapshot, ascending, for
// the recovery handlers.
func (l *Loop) healthyPeers() []mesh.NodeID {
	if l.handlers.count() == 0 {
		return nil
	}
	var ids []mesh.NodeID
	for _, p := range l.Reader().Latest().Peers {
		if p.Health == mesh.HealthHealthy {
			ids = append(ids, p.Node)
		}
	}
	return ids
}

func failedCalls(n int) string {
	if n == 1 {
		return "1 failed call"
	}
	return fmt.Sprintf("%d failed calls", n)
}

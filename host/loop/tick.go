package loop

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
)

// openTick is a regular tick whose probes are being asked. Meanwhile the loop goes on folding,
// and may have early ticks.
type openTick struct {
	asked   *round
	until   time.Time // when it waits no longer
	reports []mesh.FailureReport
}

// answered returns a channel that is closed when all answers have come; nil if there is no tick
// to wait for them.
func (t *openTick) answered() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.asked.done
}

// over reports whether all answers have come, or it is too late for them.
func (t *openTick) over(now time.Time) bool {
	select {
	case <-t.asked.done:
		return true
	default:
		return !now.Before(t.until)
	}
}

// tickIfDue begins or ends a regular tick, or makes an early one, if it is time for that. It
// returns false when the loop is to end.
func (l *Loop) tickIfDue(ctx context.Context) (goOn bool) {
	now := time.Now()
	switch {
	case l.open != nil && l.open.over(now):
		reports := l.open.reports
		l.open = nil
		return l.endTick(ctx, reports)
	case l.open == nil && !now.Before(l.due):
		return l.beginTick(ctx, now)
	case l.early.due(now):
		l.earlyTick()
	}
	return true
}

// wakeAt returns when an idle loop has to look again.
func (l *Loop) wakeAt() time.Time {
	at := l.due
	if l.open != nil {
		at = l.open.until
	}
	if early, asked := l.early.next(); asked && early.Before(at) {
		return early
	}
	return at
}

// beginTick calls the sources. If there is no answer to wait for, it ends the tick at once.
func (l *Loop) beginTick(ctx context.Context, now time.Time) (goOn bool) {
	srcs := slices.Concat(l.probes.sources(), l.handlers.sources(), l.slots.sources())
	asked, reports := l.poll.ask(now, srcs, l.healthyPeers(), l.first.extra)
	if asked == nil {
		return l.endTick(ctx, reports)
	}
	l.open = &openTick{asked: asked, until: now.Add(l.cfg.ProbeBudget), reports: reports}
	return true
}

// endTick folds the answers, runs one pass and publishes the snapshot. It returns false when
// the loop is to end.
func (l *Loop) endTick(ctx context.Context, reports []mesh.FailureReport) (goOn bool) {
	now := time.Now()
	at := l.stamp(now)
	for _, report := range reports {
		l.apply(at, report)
	}
	l.foldAnswers(at)
	if l.handlers.count() > 0 && !l.first.extra && !l.foldRecovered(ctx, at) {
		return false
	}
	took := l.passAndPublish(at, now, false)
	if hook := l.hooks.OnTick; hook != nil {
		l.callHook(at, "on-tick", &l.onTick, func() { hook(took) })
	}
	l.due = l.first.after(time.Now(), l.cfg.TickInterval, l.poll.waiting())
	return true
}

// passAndPublish runs one pass and publishes the snapshot. It returns how long that took since
// began.
func (l *Loop) passAndPublish(at mesh.Stamp, began time.Time, early bool) (took time.Duration) {
	result := l.pass(at, early)
	// Built before anything else is folded, so that a replayed journal has the same one.
	snap := l.core.Snapshot(at)
	l.unpublished, l.unrecorded = false, false
	if result.Dropped > 0 {
		l.log(at, mesh.LevelWarn, fmt.Sprintf("the action queue is full: dropped %d actions, the first a %s",
			result.Dropped, result.FirstDropped.Kind()))
	}
	l.complete(at, snap)
	end := time.Now()
	took = end.Sub(began)
	if !early {
		l.count.took.Store(int64(took))
		l.count.lastTick.Store(&end)
		l.noteTick(end, took)
	}
	snap.Stats.LastTickTook = time.Duration(l.count.took.Load())
	snap.Stats.TickP50, snap.Stats.TickP99, snap.Stats.EventsPerTick = l.recent.took(0.5), l.recent.took(0.99), l.recent.eventsPerTick()
	l.broadcast.publish(snap)
	l.records.publish(snap)
	l.early.passed(end, took)
	return took
}

// foldAnswers folds what was answered, in the order of the sources.
func (l *Loop) foldAnswers(at mesh.Stamp) {
	listed := make(map[string]bool, len(l.listed))
	for _, c := range l.poll.order {
		if c.src.kind == migrationSource {
			listed[c.src.name] = true
		}
		for _, a := range c.answers() {
			l.foldAnswer(at, c, a)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.listed)) {
		if !listed[name] {
			l.apply(at, mesh.Migrations{Source: name}) // the source was removed, and its list with it
		}
	}
	l.listed = listed
}

// foldAnswer folds one answer, and records it when its source begins or ceases to fail.
func (l *Loop) foldAnswer(at mesh.Stamp, c *caller, a *answer) {
	c.said = c.said || a.said(c.src.kind)
	switch c.src.kind {
	case localityProbe, healthProbe, inventoryProbe:
		l.apply(at, a.samples(c.src.name))
		if c.src.folded != nil {
			c.src.folded(a.rtt.Samples)
			a.rtt.Samples = nil
		}
	case migrationSource:
		if a.err == "" {
			l.apply(at, mesh.Migrations{Source: c.src.name, InFlight: a.migrations})
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
func (l *Loop) pass(at mesh.Stamp, early bool) reconcile.Result {
	free := cap(l.actions) - len(l.actions)
	l.record(at, func(r Recorder) { r.Tick(at, free, early) })
	result := l.core.Pass(at, free, early)
	for _, action := range result.Actions {
		l.actions <- action // never blocks: there are free places, and nobody else sends
	}
	l.count.emitted.Add(uint64(len(result.Actions)))
	l.count.dropped.Add(uint64(result.Dropped))
	l.count.missed.Add(uint64(result.Missed))
	if early {
		l.count.early.Add(1)
	} else {
		l.count.ticks.Add(1)
	}
	return result
}

// complete adds to the snapshot what the core does not know.
func (l *Loop) complete(at mesh.Stamp, snap *snapshot.Snapshot) {
	snap.Stats = l.count.stats()
	if decorate := l.hooks.Decorate; decorate != nil {
		l.callHook(at, "decorate", &l.decorate, func() { decorate(snap) })
	}
}

// noteTick counts a regular tick among those of the last five minutes.
func (l *Loop) noteTick(at time.Time, took time.Duration) {
	events := l.count.events.Load()
	l.recent.add(at.Sub(l.cfg.Start), took, events-l.folded)
	l.folded = events
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
	for p := range l.Reader().Latest().Peers.Values() {
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

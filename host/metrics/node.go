package metrics

import "github.com/meshos/meshos/host/snapshot"

// node is the metrics of the loop, its queues, and of commands.
type node struct {
	src Source

	ticks, early, events, emitted, dropped, appendFailures            family
	eventQueue, actionQueue, suppressed, commands                     family
	missedMarks, lostLines, lastTick, tickP50, tickP99, eventsPerTick family
}

func newNode(src Source) *node {
	return &node{
		src:            src,
		ticks:          counter("ticks_total", "Regular ticks."),
		early:          counter("early_ticks_total", "Passes that did not wait for the next regular tick."),
		lastTick:       gauge("last_tick_seconds", "How long the last regular tick took."),
		tickP50:        gauge("recent_tick_p50_seconds", "Within how long half of the regular ticks of the last five minutes ended."),
		tickP99:        gauge("recent_tick_p99_seconds", "Within how long 99 of 100 of the regular ticks of the last five minutes ended."),
		eventsPerTick:  gauge("recent_events_per_tick", "Events that were folded for each regular tick of the last five minutes, in the mean."),
		events:         counter("events_applied_total", "Events that were folded into state."),
		emitted:        counter("actions_emitted_total", "Actions that were handed out."),
		dropped:        counter("actions_dropped_total", "Actions that did not fit into the queue; they are decided again."),
		missedMarks:    counter("reconcile_missed_marks_total", "Times that a slice found what no mark had told of: a mistake in the node, which it has put right."),
		appendFailures: counter("append_failures_total", "Appends to appender plugins that failed."),
		eventQueue:     gauge("event_queue_depth", "Events that wait to be folded."),
		actionQueue:    gauge("action_queue_depth", "Actions that wait to be taken by the executor."),
		suppressed:     counter("daemon_lines_suppressed_total", "Lines of daemons that were left out of the log because a daemon printed too many at once."),
		lostLines:      counter("log_lines_lost_total", "Lines of the process's own log that could not be written to standard error."),
		commands:       counter("commands_total", "Signed commands by verdict: accepted, unverified, or the kind of rejection.", "verdict"),
	}
}

func (n *node) families() []family {
	return []family{
		n.ticks, n.early, n.lastTick, n.tickP50, n.tickP99, n.eventsPerTick, n.events, n.emitted, n.dropped, n.missedMarks, n.appendFailures,
		n.eventQueue, n.actionQueue, n.suppressed, n.lostLines, n.commands,
	}
}

func (n *node) collect(out scrape, snap *snapshot.Snapshot) {
	out.set(n.ticks, float64(snap.Stats.Ticks))
	out.set(n.early, float64(snap.Stats.EarlyTicks))
	out.set(n.lastTick, snap.Stats.LastTickTook.Seconds())
	out.set(n.tickP50, snap.Stats.TickP50.Seconds())
	out.set(n.tickP99, snap.Stats.TickP99.Seconds())
	out.set(n.eventsPerTick, snap.Stats.EventsPerTick)
	out.set(n.events, float64(snap.Stats.EventsApplied))
	out.set(n.emitted, float64(snap.Stats.ActionsEmitted))
	out.set(n.dropped, float64(snap.Stats.ActionsDropped))
	out.set(n.missedMarks, float64(snap.Stats.MissedMarks))
	out.set(n.appendFailures, float64(snap.Stats.AppendFailures))
	out.set(n.eventQueue, float64(n.src.EventQueue()))
	out.set(n.actionQueue, float64(n.src.ActionQueue()))
	out.set(n.suppressed, float64(n.src.Suppressed()))
	out.set(n.lostLines, float64(n.src.LostLines()))
	commands := n.src.Commands()
	for verdict, count := range commands {
		out.set(n.commands, float64(count), verdict)
	}
	if _, some := commands["accepted"]; !some { // from the start, so that rates see the first one
		out.set(n.commands, 0, "accepted")
	}
}

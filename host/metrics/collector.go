package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/meshos/meshos/host/snapshot"
)

// statuses are the label values of meshos_plugin_status, by status.
func statuses() map[snapshot.PluginStatus]string {
	return map[snapshot.PluginStatus]string{
		snapshot.PluginStarting:    "starting",
		snapshot.PluginReady:       "ready",
		snapshot.PluginLagging:     "lagging",
		snapshot.PluginBackingOff:  "backing_off",
		snapshot.PluginQuarantined: "quarantined",
		snapshot.PluginDisabled:    "disabled",
		snapshot.PluginRejected:    "rejected",
	}
}

// Source is what counts and gauges are read from at each scrape. All of it is
// required, and may be called from several goroutines at once.
type Source struct {
	// Latest returns the newest snapshot, never nil.
	Latest func() *snapshot.Snapshot
	// EventQueue and ActionQueue return how many events and actions wait.
	EventQueue, ActionQueue func() int
	// Commands returns how many signed commands were judged, by verdict.
	Commands func() map[string]uint64
	// Suppressed returns how many lines of daemons were left out of the log.
	Suppressed func() uint64
	// Capacity returns the bounds of what the node remembers, by their key.
	Capacity func() map[string]int
	// Refused calls each with what was refused because of them.
	Refused func(each func(source, what string, n uint64))
}

// collector turns a Source into metrics at each scrape.
type collector struct {
	src      Source
	statuses map[snapshot.PluginStatus]string

	ticks, events, emitted, dropped, appendFailures *prometheus.Desc
	eventQueue, actionQueue                         *prometheus.Desc
	pluginCalls, pluginFailures, pluginRestarts     *prometheus.Desc
	pluginStatus, pluginLastCall                    *prometheus.Desc
	peerRTT, avoided, frozen, commands, suppressed  *prometheus.Desc
	capacity, refused                               *prometheus.Desc
}

func newCollector(src Source) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("meshos_"+name, help, labels, nil)
	}
	return &collector{
		src:            src,
		statuses:       statuses(),
		ticks:          desc("ticks_total", "Reconcile passes."),
		events:         desc("events_applied_total", "Events that were folded into state."),
		emitted:        desc("actions_emitted_total", "Actions that were handed out."),
		dropped:        desc("actions_dropped_total", "Actions that did not fit into the queue; they are decided again."),
		appendFailures: desc("append_failures_total", "Appends to appender plugins that failed."),
		eventQueue:     desc("event_queue_depth", "Events that wait to be folded."),
		actionQueue:    desc("action_queue_depth", "Actions that wait to be taken by the executor."),
		pluginCalls:    desc("plugin_calls_total", "Calls to a plugin.", "plugin"),
		pluginFailures: desc("plugin_call_failures_total", "Calls to a plugin that failed.", "plugin"),
		pluginRestarts: desc("plugin_restarts_total", "Starts of a plugin's process after the first.", "plugin"),
		pluginStatus:   desc("plugin_status", "1 for the present status of a plugin, 0 for the others.", "plugin", "status"),
		pluginLastCall: desc("plugin_last_call_seconds", "How long the last call to a plugin took.", "plugin"),
		peerRTT:        desc("peer_rtt_seconds", "Round-trip time to a peer; absent while it is unknown.", "peer", "name"),
		avoided:        desc("avoided_peers", "Peers on the avoid list."),
		frozen:         desc("frozen", "1 while acting is frozen."),
		suppressed:     desc("daemon_lines_suppressed_total", "Lines of daemons that were left out of the log because a daemon printed too many at once."),
		capacity:       desc("capacity", "How much of a thing the node may remember, by the key of [capacity].", "what"),
		refused:        desc("capacity_refused_total", "Events and commands that were refused because of [capacity], by its key.", "source", "what"),
		commands:       desc("commands_total", "Signed commands by verdict: accepted, unverified, or the kind of rejection.", "verdict"),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.ticks, c.events, c.emitted, c.dropped, c.appendFailures, c.eventQueue, c.actionQueue,
		c.pluginCalls, c.pluginFailures, c.pluginRestarts, c.pluginStatus, c.pluginLastCall,
		c.peerRTT, c.avoided, c.frozen, c.commands, c.suppressed,
		c.capacity, c.refused,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	snap := c.src.Latest()
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count(c.ticks, snap.Stats.Ticks)
	count(c.events, snap.Stats.EventsApplied)
	count(c.emitted, snap.Stats.ActionsEmitted)
	count(c.dropped, snap.Stats.ActionsDropped)
	count(c.appendFailures, snap.Stats.AppendFailures)
	gauge(c.eventQueue, float64(c.src.EventQueue()))
	gauge(c.actionQueue, float64(c.src.ActionQueue()))
	gauge(c.avoided, float64(len(snap.AvoidList)))
	frozen := 0.0
	if snap.FreezeRemaining != nil {
		frozen = 1
	}
	gauge(c.frozen, frozen)
	count(c.suppressed, c.src.Suppressed())
	for what, n := range c.src.Capacity() {
		gauge(c.capacity, float64(n), what)
	}
	c.src.Refused(func(source, what string, n uint64) { count(c.refused, n, source, what) })
	for verdict, n := range c.src.Commands() {
		count(c.commands, n, verdict)
	}
	for _, p := range snap.Plugins {
		count(c.pluginCalls, p.Calls, p.Name)
		count(c.pluginFailures, p.Failures, p.Name)
		count(c.pluginRestarts, p.Restarts, p.Name)
		gauge(c.pluginLastCall, p.LastCall.Seconds(), p.Name)
		for status, label := range c.statuses {
			has := 0.0
			if p.Status == status {
				has = 1
			}
			gauge(c.pluginStatus, has, p.Name, label)
		}
	}
	for _, p := range snap.Peers {
		if p.RTT != nil {
			gauge(c.peerRTT, p.RTT.Seconds(), strconv.FormatUint(uint64(p.Node), 10), p.Name)
		}
	}
}

package metrics

import "github.com/meshos/meshos/host/snapshot"

// plugins is the metrics of this node's plugins.
type plugins struct {
	calls, failures, restarts, status, lastCall family
	statuses                                    map[snapshot.PluginStatus]string
}

func newPlugins() *plugins {
	return &plugins{
		calls:    counter("plugin_calls_total", "Calls to a plugin.", "plugin"),
		failures: counter("plugin_call_failures_total", "Calls to a plugin that failed.", "plugin"),
		restarts: counter("plugin_restarts_total", "Starts of a plugin's process after the first.", "plugin"),
		status:   gauge("plugin_status", "1 for the present status of a plugin, 0 for the others.", "plugin", "status"),
		lastCall: gauge("plugin_last_call_seconds", "How long the last call to a plugin took.", "plugin"),
		statuses: map[snapshot.PluginStatus]string{
			snapshot.PluginStarting:    "starting",
			snapshot.PluginReady:       "ready",
			snapshot.PluginLagging:     "lagging",
			snapshot.PluginBackingOff:  "backing_off",
			snapshot.PluginQuarantined: "quarantined",
			snapshot.PluginDisabled:    "disabled",
			snapshot.PluginRejected:    "rejected",
		},
	}
}

func (p *plugins) families() []family {
	return []family{p.calls, p.failures, p.restarts, p.status, p.lastCall}
}

func (p *plugins) collect(out scrape, snap *snapshot.Snapshot) {
	for _, plugin := range snap.Plugins {
		name := valid(plugin.Name)
		out.set(p.calls, float64(plugin.Calls), name)
		out.set(p.failures, float64(plugin.Failures), name)
		out.set(p.restarts, float64(plugin.Restarts), name)
		out.set(p.lastCall, plugin.LastCall.Seconds(), name)
		setOne(out, p.status, plugin.Status, p.statuses, name)
	}
}

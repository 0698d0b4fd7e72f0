package metrics

import (
	"maps"
	"strconv"
	"strings"
	"sync"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// daemons is the metrics of what this node supervises.
type daemons struct {
	crashes *crashes

	state, wanted, rejected, health, looping, crashed, restarts family
	states                                                      map[string]string
}

func newDaemons(crashes *crashes) *daemons {
	return &daemons{
		crashes:  crashes,
		state:    gauge("daemon_state", "1 for the present state of a daemon's process, 0 for the others.", "daemon", "name", "state"),
		wanted:   gauge("daemon_wanted", "1 if the daemon should run.", "daemon", "name"),
		rejected: gauge("daemon_rejected", "1 if the daemon's entry in the configuration can't be used.", "daemon", "name"),
		health:   gauge("daemon_health", "1: healthy, 0.5: degraded, 0: unhealthy; absent while it is unknown.", "daemon", "name"),
		looping:  gauge("daemon_crash_looping", "1 while a daemon is not started because it crashed too often.", "daemon", "name"),
		crashed:  counter("daemon_crashes_total", "Crashes of a daemon since the node started.", "daemon", "name"),
		restarts: counter("daemon_restarts_total", "Starts of a daemon after the first one since the node started.", "daemon", "name"),
		states: map[string]string{
			"stopped": "stopped", "starting": "starting", "running": "running", "stopping": "stopping", "done": "done", "failed": "failed",
		},
	}
}

// stateOf returns the state of a daemon: that of its process, or how its work ended.
func stateOf(d *snapshot.Daemon) string {
	switch {
	case d.Outcome == snapshot.OutcomeDone:
		return "done"
	case d.Outcome == snapshot.OutcomeFailed:
		return "failed"
	case d.Lifecycle == snapshot.Starting:
		return "starting"
	case d.Lifecycle == snapshot.Running:
		return "running"
	case d.Lifecycle == snapshot.Stopping:
		return "stopping"
	}
	return "stopped"
}

func (d *daemons) families() []family {
	return []family{d.state, d.wanted, d.rejected, d.health, d.looping, d.crashed, d.restarts}
}

func (d *daemons) collect(out scrape, snap *snapshot.Snapshot) {
	crashed := d.crashes.of(snap.Daemons)
	for _, one := range snap.Daemons.All() {
		daemon := &one
		labels := []string{strconv.FormatUint(uint64(daemon.Daemon.ID), 10), valid(daemon.Daemon.Name)}
		setOne(out, d.state, stateOf(daemon), d.states, labels...)
		out.set(d.wanted, truth(daemon.Intent == mesh.IntentRun && daemon.Outcome != snapshot.OutcomeDone), labels...)
		out.set(d.rejected, truth(daemon.Rejected != ""), labels...)
		switch daemon.Health.Status {
		case mesh.DaemonHealthy:
			out.set(d.health, 1, labels...)
		case mesh.DaemonDegraded:
			out.set(d.health, 0.5, labels...)
		case mesh.DaemonUnhealthy:
			out.set(d.health, 0, labels...)
		}
		out.set(d.looping, truth(daemon.Restart == snapshot.RestartCrashLooping), labels...)
		out.set(d.crashed, float64(crashed[daemon.Daemon.ID]), labels...)
		out.set(d.restarts, float64(daemon.Restarts), labels...)
	}
}

// crashes counts crashes by daemon.
type crashes struct {
	mu       sync.Mutex
	byDaemon map[mesh.DaemonID]uint64
}

func (c *crashes) add(d mesh.DaemonID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byDaemon[d]++
}

// of returns the counts of these daemons, and forgets the others.
func (c *crashes) of(daemons snapshot.Daemons) map[mesh.DaemonID]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.byDaemon {
		if _, known := daemons.Get(id); !known {
			delete(c.byDaemon, id)
		}
	}
	return maps.Clone(c.byDaemon)
}

// valid returns a text that may be the value of a label: Prometheus takes UTF-8 only.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

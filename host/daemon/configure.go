package daemon

import (
	"slices"

	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
)

// Configure replaces the configuration of all daemons. It starts and stops nothing: a daemon
// that runs keeps what it was started with until it ends, which is logged; reconcile stops
// one that is no longer configured. Only how its health is checked changes at once. The
// folder of a daemon that neither runs nor is configured is removed. After Adopt it also
// looks at what the daemons that do not run point at, and publishes which are rejected.
func (m *Manager) Configure(specs []Spec) {
	if look := m.replace(specs); len(look) > 0 {
		m.look(look)
	}
}

// replace replaces the configuration, and returns the daemons to look at.
func (m *Manager) replace(specs []Spec) []Spec {
	known := make(map[mesh.DaemonID]Spec, len(specs))
	for _, s := range specs {
		known[s.Daemon.ID] = s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.specs
	m.specs = known
	for id, old := range before {
		now, still := known[id]
		r := m.runs[id]
		switch {
		case still && r != nil:
			r.reconfigure(old, now)
		case !still && r == nil && m.latest[id] == nil:
			delete(m.delivered, id)
			m.logRemoval(old.Daemon, shim.FolderOf(m.opts.Dir, id).Remove())
		}
		if !still {
			delete(m.rejected, id)
			delete(m.fallen, id)
		}
	}
	if !m.adopted {
		return nil
	}
	return m.all()
}

// reconfigure applies a changed configuration to a daemon that has a process: how its health
// is checked changes at once, everything else with its next start.
func (r *run) reconfigure(old, now Spec) {
	if hash := now.hash(); hash != old.hash() && hash != r.hash {
		r.noteOldSpec()
	}
	if sameCheck(old.Health, now.Health) {
		return
	}
	select {
	case <-r.newCheck:
	default:
	}
	r.newCheck <- now.Health // never blocks: nobody else sends
}

// ref returns the daemon with its present label, which may differ from the one that it was
// started with.
func (r *run) ref() mesh.DaemonRef {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	if spec, known := r.m.specs[r.spec.Daemon.ID]; known {
		return spec.Daemon
	}
	return r.spec.Daemon
}

// noteOldSpec logs that the process runs with an older configuration.
func (r *run) noteOldSpec() {
	r.out.note(mesh.LevelWarn, "it runs with the configuration that it was started with; the changed one holds from its next start")
}

func sameCheck(a, b *health.Check) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Type == b.Type && a.Target == b.Target && slices.Equal(a.Command, b.Command) &&
		a.Interval == b.Interval && a.Timeout == b.Timeout && a.StartPeriod == b.StartPeriod && a.Thresholds == b.Thresholds
}

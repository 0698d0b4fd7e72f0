package daemon

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/cgroup"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// confine gives a run its control group and its limits: what the group can't limit is limited
// by setrlimit where that means nearly the same. It returns what can't be enforced, for people;
// "" if all can.
func (m *Manager) confine(s Spec, request *shim.Request) (unmet string) {
	l := s.Limits
	group, without, why := m.opts.Cgroups.Make(uint64(s.Daemon.ID), process.MarkOf(request.Env), cgroup.Limits{
		Memory: l.Memory, CPU: l.CPU, Processes: l.Processes,
	})
	request.Cgroup = string(group)
	if l.Files > 0 {
		request.Limits = append(request.Limits, process.Limit{Resource: unix.RLIMIT_NOFILE, Value: uint64(l.Files)})
	}
	if l.Core != nil {
		request.Limits = append(request.Limits, process.Limit{Resource: unix.RLIMIT_CORE, Value: uint64(*l.Core)})
	}
	var said []string
	for _, key := range without {
		if key == "memory" {
			request.Limits = append(request.Limits, process.Limit{Resource: unix.RLIMIT_DATA, Value: uint64(l.Memory)})
			said = append(said, "memory is limited for each of its processes alone")
			continue
		}
		if key == "processes" {
			key = "the number of processes"
		}
		said = append(said, key+" is not limited")
	}
	if len(said) == 0 {
		return ""
	}
	return strings.Join(said, ", ") + ": " + why
}

// setUnmet remembers what of a daemon's limits can't be enforced, and says it once.
func (m *Manager) setUnmet(r *run, unmet string, say bool) {
	id := r.spec.Daemon.ID
	m.mu.Lock()
	before := m.unmet[id]
	if unmet == "" {
		delete(m.unmet, id)
	} else {
		m.unmet[id] = unmet
	}
	m.mu.Unlock()
	if say && unmet != "" && unmet != before {
		r.out.note(mesh.LevelWarn, "limits: %s", unmet)
	}
}

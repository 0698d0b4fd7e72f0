package daemon

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/readfile"
)

const (
	// lookEvery is how often it is looked again at what a rejected daemon lacks.
	lookEvery = 2 * time.Second
	// lookWithin is how long the file systems may take: the end of the node waits for it.
	lookWithin = 500 * time.Millisecond
	// looksAtOnce bounds how many daemons are looked at at once.
	looksAtOnce = 16
)

// fault returns what is wrong with what the daemon's entry points at: its program, its
// folder, its user or the files of its environment. It returns "" if nothing is.
func (s Spec) fault() string {
	path := config.SearchPath(s.Env)
	for _, command := range slices.Concat([][]string{s.Command}, s.PreStart.Commands, s.PostStop.Commands) {
		if len(command) == 0 {
			continue
		}
		if why := config.WrongProgram(command[0], path); why != "" {
			return why
		}
	}
	if s.Dir != "" {
		if why := config.WrongDir(s.Dir); why != "" {
			return why
		}
	}
	if why := config.WrongRunAs(s.RunAs); why != "" {
		return why
	}
	return config.WrongSources(s.Sources)
}

// elsewhere reports whether the daemon may run on other nodes only: then nothing of it has to
// be here.
func (s Spec) elsewhere(node mesh.NodeID) bool { return s.Node != 0 && s.Node != node }

// look looks at what the entries of these daemons point at, at all of them at once, and
// publishes which are rejected and which are not any more. A daemon that has a process is
// left alone, and so is one whose file system does not answer: to start it says more.
func (m *Manager) look(specs []Spec) {
	faults := make([]string, len(specs))
	looked := make([]bool, len(specs))
	end := time.Now().Add(lookWithin)
	slots := make(chan struct{}, looksAtOnce)
	var all sync.WaitGroup
	for i, s := range specs {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			path := s.Dir
			if len(s.Command) > 0 {
				path = s.Command[0]
			}
			var err error
			if !s.elsewhere(m.opts.Node) {
				faults[i], err = readfile.Do(path, max(0, time.Until(end)), func() (string, error) { return s.fault(), nil })
			}
			looked[i] = err == nil
		})
	}
	all.Wait()
	for i, s := range specs {
		if looked[i] {
			m.judged(s, faults[i])
		}
	}
}

// judged publishes that a daemon is rejected, or that it is not any more, if that is new.
func (m *Manager) judged(s Spec, fault string) {
	id := s.Daemon.ID
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.specs[id]; !known || m.runs[id] != nil || m.rejected[id] == fault || m.stopping {
		return
	}
	// The loop's queue may be full, and this must not wait for it: then the daemon is
	// looked at again.
	if m.opts.Events.TryPublish(mesh.DaemonRejected{Daemon: s.Daemon, Reason: fault}) != nil {
		m.retryLook = true
	} else if fault == "" {
		delete(m.rejected, id)
	} else {
		m.rejected[id] = fault
	}
	if (len(m.rejected) > 0 || m.retryLook) && !m.looking {
		m.looking = true
		m.lookers.Go(m.lookAgain)
	}
}

// lookAgain looks at rejected daemons every now and then, until none is left.
func (m *Manager) lookAgain() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-m.ctx.Done():
			return
		}
		m.mu.Lock()
		if len(m.rejected) == 0 && !m.retryLook {
			m.looking = false
			m.mu.Unlock()
			return
		}
		var specs []Spec
		for _, id := range slices.Sorted(maps.Keys(m.specs)) {
			if m.rejected[id] != "" || m.retryLook {
				specs = append(specs, m.specs[id])
			}
		}
		m.retryLook = false
		m.mu.Unlock()
		m.look(specs)
	}
}

// all returns how all configured daemons are run, by id. It is called with the lock held.
func (m *Manager) all() (out []Spec) {
	for _, id := range slices.Sorted(maps.Keys(m.specs)) {
		out = append(out, m.specs[id])
	}
	return out
}

// accept notes that a daemon has a process, so that the loop does not take it as rejected.
func (m *Manager) accept(id mesh.DaemonID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rejected, id)
}

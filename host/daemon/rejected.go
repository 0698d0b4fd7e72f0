package daemon

import (
	"context"
	"errors"
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
	// lookWithin is how long a file system may take to answer. Whoever waits for it gives up
	// when the node ends.
	lookWithin = 2 * time.Second
	// looksAtOnce bounds how many daemons are looked at at once. One whose file system does
	// not answer holds up those that come after it only if all places are taken.
	looksAtOnce = 256
)

// fault returns what is wrong with what the daemon's entry points at: its program, its
// folder, its user or the files of its environment, or that their file system does not answer. It returns "" if nothing is.
func (s Spec) fault(ctx context.Context) string {
	why, err := s.wrong(ctx)
	if err != nil {
		return err.Error()
	}
	return why
}

// wrong returns what is wrong with what the daemon needs, "" for nothing. The error says that
// a file system does not answer.
func (s Spec) wrong(ctx context.Context) (why string, err error) {
	path := config.SearchPath(s.Env)
	for _, command := range slices.Concat([][]string{s.Command}, s.PreStart.Commands, s.PostStop.Commands) {
		if len(command) == 0 {
			continue
		}
		if why, err := config.WrongProgram(ctx, command[0], path, lookWithin); why != "" || err != nil {
			return why, err
		}
	}
	if s.Dir != "" {
		if why, err := config.WrongDir(ctx, s.Dir, lookWithin); why != "" || err != nil {
			return why, err
		}
	}
	if why := config.WrongRunAs(s.RunAs); why != "" {
		return why, nil
	}
	return config.WrongSources(s.Sources), nil
}

// elsewhere reports whether the daemon may run on other nodes only: then nothing of it has to
// be here.
func (s Spec) elsewhere(node mesh.NodeID) bool { return s.Node != 0 && s.Node != node }

// look looks at what the entries of these daemons point at, at all of them at once, and
// publishes which are rejected and which are not any more. A daemon that has a process is
// left alone.
func (m *Manager) look(specs []Spec) {
	slots := make(chan struct{}, looksAtOnce)
	var all sync.WaitGroup
	for _, s := range specs {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			fault := ""
			if !s.elsewhere(m.opts.Node) {
				fault = s.fault(m.ctx)
			}
			if m.ctx.Err() == nil {
				m.judged(s, fault)
			}
		})
	}
	all.Wait()
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
	m.keepLooking()
}

// keepLooking has it looked again at what can't be started as it is, if there is anything. It
// is called with the lock held.
func (m *Manager) keepLooking() {
	if (len(m.rejected) > 0 || m.retryLook || len(m.fallen) > 0) && !m.looking {
		m.looking = true
		m.lookers.Go(m.lookAgain)
	}
}

// lookAgain looks every now and then at daemons that are rejected, and at the files of those
// that have crashed, until none is left.
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
		if len(m.rejected) == 0 && !m.retryLook && len(m.fallen) == 0 {
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
		m.lookReplaced()
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
	delete(m.fallen, id)
}

// isHung reports whether the error is that of a file system that does not answer.
func isHung(err error) bool {
	var hung *readfile.HungError
	return errors.As(err, &hung)
}

package daemon

import (
	"fmt"
	"maps"
	"slices"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/cgroup"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

const (
	// remainsPoll is how often what is left of a killed shim is looked for, and killed again.
	remainsPoll, remainsPollMax = 10 * time.Millisecond, time.Second
	// remainsSaid is how long that may take before it is said.
	remainsSaid = time.Second
	// leftEvery is how often it is counted what daemons left that goes on.
	leftEvery = 2 * time.Second
)

// Extra is what a person should know about a daemon and its events do not tell.
type Extra struct {
	Left  int      // processes that it left and that go on, or do not end
	Notes []string // for people
}

// Extras returns what is to be known of the daemons of which there is something.
func (m *Manager) Extras() map[mesh.DaemonID]Extra {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.left)+len(m.stuck)+len(m.unmet) == 0 {
		return nil
	}
	out := make(map[mesh.DaemonID]Extra)
	add := func(id mesh.DaemonID, left int, note string) {
		e := out[id]
		e.Left += left
		e.Notes = append(e.Notes, note)
		out[id] = e
	}
	for id, n := range m.stuck {
		add(id, n, counted(n, "does not end although it was killed", "do not end although they were killed")+"; the daemon counts as running until then")
	}
	for id, left := range m.left {
		add(id, len(left), counted(len(left), "that it left goes on", "that it left go on")+" (kill_mode)")
	}
	for id, unmet := range m.unmet {
		add(id, 0, "limits: "+unmet)
	}
	return out
}

// counted returns "1 process runs" or "3 processes run".
func counted(n int, one, more string) string {
	if n == 1 {
		return "1 process " + one
	}
	return fmt.Sprintf("%d processes %s", n, more)
}

// remains returns what is left of a run whose shim was killed before it could end it. The
// daemon itself dies with the shim; who descends from it is found by its control group, its
// mark and its session. A daemon that an earlier version started is in the session of its shim.
func remains(rec shim.Record) []process.Identity {
	if rec.KillMode == shim.KillProcess {
		if process.Alive(rec.Process) {
			return []process.Identity{rec.Process}
		}
		return nil
	}
	found := make(map[process.Identity]bool)
	for _, ids := range [][]process.Identity{
		process.Marked(rec.Mark), process.SessionOf(rec.Process, rec.Mark), process.SessionOf(rec.Shim, rec.Mark), process.Members(cgroup.Group(rec.Cgroup).Processes()),
	} {
		for _, id := range ids {
			found[id] = true
		}
	}
	return process.Family(slices.Collect(maps.Keys(found))...)
}

// endRemains kills what is left of a run whose shim was killed, until nothing is. It reports
// false if the Manager was closed before.
func (r *run) endRemains(rec shim.Record) bool {
	began, said := time.Now(), false
	group := cgroup.Group(rec.Cgroup)
	defer group.Remove()
	for wait := remainsPoll; ; wait = min(2*wait, remainsPollMax) {
		left := remains(rec)
		if len(left) == 0 {
			r.m.setStuck(r.spec.Daemon.ID, 0)
			return true
		}
		if rec.KillMode != shim.KillProcess {
			group.Kill()
		}
		process.Send(syscall.SIGKILL, left...)
		if !said && time.Since(began) > remainsSaid {
			said = true
			r.sayStuck(left)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-r.m.ctx.Done():
			timer.Stop()
			return false
		}
	}
}

// sayStuck says that processes of a daemon do not end although they were killed.
func (r *run) sayStuck(left []process.Identity) {
	reason := fmt.Sprintf("what it started does not end although it was killed: %s; the daemon counts as running until then", shim.Describe(left))
	r.m.setStuck(r.spec.Daemon.ID, len(left)) // before it is told: who reads of it may look at once
	r.out.note(mesh.LevelWarn, "%s", reason)
	r.m.opts.Failure(r.spec.Daemon, reason)
}

// sayShimStuck does the same for what the shim tells of in its record.
func (r *run) sayShimStuck() {
	rec, err := r.folder.Load()
	if err != nil || rec.Main == nil || rec.End != nil || r.toldStuck {
		return
	}
	r.toldStuck = true
	r.sayStuck(rec.Main.Left)
}

func (m *Manager) setStuck(id mesh.DaemonID, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n == 0 {
		delete(m.stuck, id)
	} else {
		m.stuck[id] = n
	}
}

// goesOn remembers what a daemon left that goes on, beside what its earlier runs left.
func (m *Manager) goesOn(r *run, left []process.Identity) {
	if len(left) == 0 {
		return
	}
	r.out.note(mesh.LevelInfo, "%s, as its kill_mode says", counted(len(left), "that it left goes on", "that it left go on"))
	m.keepLeft(r.spec.Daemon.ID, left)
}

// keepLeft adds to what a daemon left, in its folder too, so that the next node knows.
func (m *Manager) keepLeft(id mesh.DaemonID, left []process.Identity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left[id] = process.Family(slices.Concat(m.left[id], left)...)
	m.storeLeft(id)
	if !m.counting {
		m.counting = true
		m.lookers.Go(m.countLeft)
	}
}

// storeLeft is called with the lock held.
func (m *Manager) storeLeft(id mesh.DaemonID) {
	if err := shim.FolderOf(m.opts.Dir, id).StoreLeft(m.left[id]); err != nil {
		m.opts.Log.Warn("what a daemon left is not known to the next node", "daemon", id, "error", err)
	}
}

// countLeft looks every now and then what goes on of what daemons left, until nothing does.
func (m *Manager) countLeft() {
	tick := time.NewTicker(leftEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-m.ctx.Done():
			return
		}
		m.mu.Lock()
		for id, left := range m.left {
			now := process.Family(left...)
			if len(now) == 0 {
				delete(m.left, id)
			} else {
				m.left[id] = now
			}
			if !slices.Equal(now, left) {
				m.storeLeft(id)
			}
		}
		if len(m.left) == 0 {
			m.counting = false
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
	}
}

package daemon

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// killedWait is how long a process that was killed may take to end, at most.
const killedWait = 2 * time.Second

// StopAll asks all daemons to end, those that are started after others before these, kills those that have not ended in time, and waits until
// all of them are gone and the loop has taken the events of their ends; so end the loop after
// it. No daemon is started any more. All daemons together have CloseGrace, or nine tenths of
// the time until ctx ends if that is less, whatever their own grace; the log names those that
// are killed. The error is an *UnfinishedError for daemons that the kernel does not let go.
// Close the Manager after it.
func (m *Manager) StopAll(ctx context.Context) error {
	grace, wait := m.opts.CloseGrace, killedWait
	if deadline, bounded := ctx.Deadline(); bounded {
		total := max(0, time.Until(deadline))
		grace, wait = min(grace, total*9/10), min(wait, total/20)
	}
	finished := func(r *run) <-chan struct{} { return r.finished }
	runs := awaitFor(0, m.refuseStarts(), finished) // without those that are finished already
	ended := func(r *run) <-chan struct{} { return r.ended }
	deadline := time.Now().Add(grace)
	left := m.askInOrder(runs, deadline, ended)
	// Whoever asked a daemon to end has it killed at the same deadline, perhaps sooner than this.
	killed := slices.DeleteFunc(slices.Clone(runs), func(r *run) bool { return !r.overdue.Load() && !slices.Contains(left, r) })
	if len(killed) > 0 {
		m.opts.Log.Warn("daemons are killed: they did not end in the time that the end of the node leaves them",
			"daemons", fmt.Sprint(refs(killed)), "time", grace.Round(time.Millisecond))
	}
	for _, r := range left {
		r.kill()
	}
	left = awaitFor(wait, left, ended)
	for _, r := range left {
		r.killShim()
	}
	if left = awaitFor(wait, left, ended); len(left) > 0 {
		return &UnfinishedError{Daemons: refs(left)}
	}
	if left = await(ctx.Done(), runs, finished); len(left) > 0 && len(m.stuckOf(left)) > 0 {
		return &UnfinishedError{Daemons: refs(m.stuckOf(left))}
	}
	return nil
}

// stuckOf returns the runs of which something was killed and does not end.
func (m *Manager) stuckOf(runs []*run) (out []*run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range runs {
		if m.stuck[r.spec.Daemon.ID] > 0 {
			out = append(out, r)
		}
	}
	return out
}

// End stops all daemons within ctx if stop is true, and else lets go of them. It logs what
// becomes of them, and closes the Manager.
func (m *Manager) End(ctx context.Context, stop bool) {
	if stop {
		if err := m.StopAll(ctx); err != nil {
			m.opts.Log.Error("daemons were left behind", "error", err)
		}
	} else if running := m.Running(); len(running) > 0 {
		m.opts.Log.Info("daemons go on without the node; the next one takes them over, and run --stop-daemons stops them with it",
			"daemons", processes(running))
	}
	m.Close()
}

// processes describes daemons with their processes, for people.
func processes(running []Running) string {
	out := make([]string, len(running))
	for i, r := range running {
		out[i] = r.Daemon.String() + " as process " + strconv.Itoa(r.PID)
	}
	return strings.Join(out, ", ")
}

// Close lets go of all daemons, which run on, and ends the Manager's goroutines; the next
// Manager on the same Dir adopts the daemons, and publishes what the loop has not taken yet
// of their lines and ends. Only the first Close does anything.
func (m *Manager) Close() {
	runs := m.refuseStarts()
	m.mu.Lock()
	again := m.closed
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	for _, r := range runs {
		<-r.finished
	}
	m.killers.Wait()
	m.lookers.Wait()
	if !again {
		m.opts.Cgroups.Close()
		m.copying.Do(func() {}) // nobody begins to make one any more
		if m.program != nil && m.program != m.opts.Program {
			m.program.Close()
		}
		m.watcher().Close()
	}
}

// refuseStarts refuses all further starts, and returns the runs that there are.
func (m *Manager) refuseStarts() (runs []*run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopping = true
	for _, r := range m.runs {
		runs = append(runs, r)
	}
	for id, r := range m.latest {
		if m.runs[id] != r {
			runs = append(runs, r)
		}
	}
	return runs
}

// await waits for a channel of each run, or for enough; then it returns the runs that are left.
func await(enough <-chan struct{}, runs []*run, what func(*run) <-chan struct{}) (left []*run) {
	for i, r := range runs {
		select {
		case <-what(r):
		case <-enough:
			return slices.DeleteFunc(slices.Clone(runs[i:]), func(r *run) bool {
				select {
				case <-what(r):
					return true
				default:
					return false
				}
			})
		}
	}
	return nil
}

// awaitFor is await, for a time at most.
func awaitFor(d time.Duration, runs []*run, what func(*run) <-chan struct{}) (left []*run) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return await(ctx.Done(), runs, what)
}

// refs returns the daemons of runs, sorted by id.
func refs(runs []*run) []mesh.DaemonRef {
	out := make([]mesh.DaemonRef, 0, len(runs))
	for _, r := range runs {
		out = append(out, r.spec.Daemon)
	}
	slices.SortFunc(out, func(a, b mesh.DaemonRef) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

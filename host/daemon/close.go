package daemon

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// killedWait is how long what was killed may take to go.
const killedWait = 2 * time.Second

// StopAll asks all daemons to end, kills those that have not after the grace or when
// ctx ends, and waits until all of them are gone and the loop has heard of it: end
// the loop after. None is started any more. The error is an *UnfinishedError for
// daemons that the kernel does not let go. Close the Manager after it.
func (m *Manager) StopAll(ctx context.Context) error {
	runs := m.stopStarting()
	for _, r := range runs {
		r.stop("the node is shutting down", m.opts.CloseGrace)
	}
	left := await(ctx.Done(), runs, func(r *run) <-chan struct{} { return r.over })
	for _, r := range left {
		r.kill()
	}
	gone := make(chan struct{})
	timer := time.AfterFunc(killedWait, func() { close(gone) })
	defer timer.Stop()
	// Nobody has time for events now.
	ended := func(r *run) <-chan struct{} { return r.ended }
	if left = await(gone, left, ended); len(left) == 0 {
		return nil
	}
	for _, r := range left {
		r.killShim()
	}
	really := make(chan struct{})
	timer = time.AfterFunc(killedWait, func() { close(really) })
	defer timer.Stop()
	if left = await(really, left, ended); len(left) > 0 {
		return unfinished(left)
	}
	return nil
}

// Close lets go of all daemons, which run on, and ends everything that goes on here;
// the next Manager on the same Dir adopts them. What the loop has not taken yet of
// their lines and ends, that one tells. Only the first Close does anything.
func (m *Manager) Close() {
	runs := m.stopStarting()
	m.mu.Lock()
	again := m.closed
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	for _, r := range runs {
		<-r.over
	}
	m.killers.Wait()
	if !again {
		m.watcher().Close()
	}
}

// stopStarting has nothing started any more, and gives what there is.
func (m *Manager) stopStarting() (runs []*run) {
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

// await waits for something of all runs, or until enough; then it gives the rest.
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

func unfinished(runs []*run) error {
	e := &UnfinishedError{}
	for _, r := range runs {
		e.Daemons = append(e.Daemons, r.spec.Daemon)
	}
	slices.SortFunc(e.Daemons, func(a, b mesh.DaemonRef) int { return cmp.Compare(a.ID, b.ID) })
	return e
}

package daemon

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// killedWait is how long Close waits for what it killed.
const killedWait = time.Second

// Close asks all daemons to end, kills those that have not after the grace or when
// ctx ends, and waits until all of them are gone and the loop has heard of it: end
// the loop after. The error is an *UnfinishedError for daemons that the kernel
// does not let go. Only the first Close does anything.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	close(m.closing)
	var runs []*run
	for _, r := range m.runs {
		runs = append(runs, r)
	}
	for id, r := range m.latest {
		if m.runs[id] != r {
			runs = append(runs, r)
		}
	}
	m.mu.Unlock()
	defer m.cancel()

	for _, r := range runs {
		r.stop("the node is shutting down", m.opts.CloseGrace)
	}
	if left := await(ctx.Done(), runs); len(left) > 0 {
		for _, r := range left {
			r.kill()
		}
		gone := make(chan struct{})
		timer := time.AfterFunc(killedWait, func() { close(gone) })
		defer timer.Stop()
		m.cancel() // nobody has time for events now
		if left = await(gone, left); len(left) > 0 {
			return unfinished(left)
		}
	}
	m.killers.Wait()
	return nil
}

// await waits until all runs are over, or until enough; then it gives the rest.
func await(enough <-chan struct{}, runs []*run) (left []*run) {
	for i, r := range runs {
		select {
		case <-r.over:
		case <-enough:
			return slices.DeleteFunc(slices.Clone(runs[i:]), func(r *run) bool {
				select {
				case <-r.over:
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

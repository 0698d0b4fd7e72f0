package daemon

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// askInOrder asks runs to end, in rounds: each round has those that need not wait for others
// to be stopped before. A round is asked once the one before has ended or has used up its
// share of the time. It returns those that have not ended at the deadline.
func (m *Manager) askInOrder(runs []*run, deadline time.Time, ended func(*run) <-chan struct{}) (left []*run) {
	rounds := m.rounds(runs)
	for i, round := range rounds {
		for _, r := range round {
			r.stop("the node is shutting down", time.Until(deadline))
		}
		share := time.Until(deadline) / time.Duration(len(rounds)-i)
		left = append(left, awaitFor(share, round, ended)...)
	}
	return awaitFor(max(0, time.Until(deadline)), left, ended)
}

// rounds sorts runs into the rounds in which they are asked to end.
func (m *Manager) rounds(runs []*run) (rounds [][]*run) {
	left := make(map[mesh.DaemonID]bool, len(runs))
	before := make(map[mesh.DaemonID][]mesh.DaemonID, len(runs))
	m.mu.Lock()
	for _, r := range runs {
		id := r.spec.Daemon.ID
		left[id], before[id] = true, m.specs[id].Before
	}
	m.mu.Unlock()
	for len(runs) > 0 {
		needed := make(map[mesh.DaemonID]bool) // until others have ended
		for id := range left {
			for _, other := range before[id] {
				needed[other] = true
			}
		}
		var round, later []*run
		for _, r := range runs {
			if needed[r.spec.Daemon.ID] {
				later = append(later, r)
			} else {
				round = append(round, r)
				delete(left, r.spec.Daemon.ID)
			}
		}
		if len(round) == 0 { // a circle, which the configuration does not have
			return append(rounds, later)
		}
		rounds, runs = append(rounds, round), later
	}
	return rounds
}

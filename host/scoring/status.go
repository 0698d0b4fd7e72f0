package scoring

import (
	"fmt"
	"sync"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// staleAfter is how many decision intervals a table counts (host/state).
const staleAfter = 2

// status is what snapshots show of the scoring. The driver's goroutine sets it.
type status struct {
	mu         sync.Mutex
	idleReason string    // why there is no table; "" while the one below counts
	version    uint64    // of the view that the last table is for
	at         time.Time // when it was handed to the loop
	chains     int
}

func (s *status) setIdle(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idleReason = why
}

func (s *status) setScored(view uint64, chains int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idleReason, s.version, s.at, s.chains = "", view, now, chains
}

// Scheduler returns whether chains are rebalanced, and if not why, for a snapshot that
// is about to be published. It waits for nothing but a lock.
func (d *Driver) Scheduler(s *snapshot.Snapshot) *snapshot.Scheduler {
	d.status.mu.Lock()
	defer d.status.mu.Unlock()
	out := &snapshot.Scheduler{IdleReason: d.status.idleReason, ViewVersion: d.status.version, Moving: s.Moving}
	if d.status.version != 0 {
		age := max(0, time.Since(d.status.at))
		out.Age = &age
	}
	if d.status.idleReason == "" {
		out.ChainsScored = d.status.chains
		out.IdleReason = blocked(s, *out.Age, d.opts.DecisionInterval)
	}
	out.Active = out.IdleReason == ""
	return out
}

// blocked returns why nothing is moved although there are scores; "" if this node may
// move chains.
func blocked(s *snapshot.Snapshot, age, interval time.Duration) string {
	switch {
	case s.Frozen.Set():
		return "the cluster is frozen"
	case s.Maintenance.Phase != mesh.PhaseActive:
		return "this node is in maintenance, or entering or leaving it"
	case age > staleAfter*interval:
		return fmt.Sprintf("the scores are %v old", age.Round(time.Second))
	}
	return ""
}

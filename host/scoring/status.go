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

// board is where the driver's goroutine shows how things stand.
type board struct {
	mu      sync.Mutex
	why     string // it is idle; empty while the table below stands
	version uint64
	at      time.Time // when the table was handed on
	chains  int
}

func (b *board) idle(why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.why = why
}

func (b *board) scored(table mesh.Scores, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.why, b.version, b.at, b.chains = "", table.ViewVersion, now, len(table.Chains)
}

// Scheduler says whether chains are rebalanced, for a snapshot that is about to be
// published. It takes no longer than a lock.
func (d *Driver) Scheduler(s *snapshot.Snapshot) *snapshot.Scheduler {
	b := &d.board
	b.mu.Lock()
	defer b.mu.Unlock()
	out := &snapshot.Scheduler{IdleReason: b.why, ViewVersion: b.version, Moving: s.Moving}
	if b.version != 0 {
		age := max(0, time.Since(b.at))
		out.Age = &age
	}
	if b.why == "" {
		out.ChainsScored = b.chains
		out.IdleReason = held(s, *out.Age, d.opts.DecisionInterval)
	}
	out.Active = out.IdleReason == ""
	return out
}

// held says why nothing is moved although there are scores; empty if nothing keeps
// this node from it.
func held(s *snapshot.Snapshot, age, interval time.Duration) string {
	switch {
	case s.FreezeRemaining != nil:
		return "the cluster is frozen"
	case s.Maintenance.Phase != mesh.PhaseActive:
		return "this node is in maintenance, on its way there or back"
	case age > staleAfter*interval:
		return fmt.Sprintf("the scores are %v old", age.Round(time.Second))
	}
	return ""
}

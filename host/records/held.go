package records

import (
	"maps"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// linesEvery is how often lines of the log are synced at most while nothing else is written and
// there are fewer than maxHeld of them: a sync for each line would keep a disk busy that has
// nothing else to do. Held lines are written to their file, so they survive the end of the
// process; a loss of power may lose them. The first line after a quiet while is synced at once.
const (
	linesEvery = 10 * time.Second
	maxHeld    = 128
)

// held is what was appended to the log chain since its last sync. The zero value is nothing.
type held struct {
	group
	synced time.Time // when the chain was synced last
}

// add adds what was appended just now.
func (h *held) add(g group, now time.Time) {
	if g.n == 0 {
		return
	}
	if h.synced.After(now) { // the clock was set back
		h.synced = now
	}
	h.n, h.through = h.n+g.n, g.through
	h.lost, h.large = append(h.lost, g.lost...), append(h.large, g.large...)
	if h.output == nil {
		h.output = make(map[mesh.DaemonID]mesh.OutputPlace, len(g.output))
	}
	maps.Copy(h.output, g.output)
}

// wait reports whether what is held need not be synced yet.
func (h *held) wait(now time.Time) bool { return h.n < maxHeld && now.Sub(h.synced) < linesEvery }

// until returns when what is held is to be synced; zero for never.
func (h *held) until() time.Time {
	if h.n == 0 {
		return time.Time{}
	}
	return h.synced.Add(linesEvery)
}

// alone reports whether no other chain than c has something to write.
func alone(groups perChain[group], c mesh.RecordChain) bool {
	for other := range groups {
		if mesh.RecordChain(other) != c && groups[other].n > 0 {
			return false
		}
	}
	return true
}

package journal

import (
	"sync"

	"github.com/meshos/meshos/host/mesh"
)

// chunkSize is how many entries a chunk of a backlog holds.
const chunkSize = 1024

// backlog holds the entries that wait to be written. It takes memory for those only, and
// adding one never copies the others. Its memory is bounded by what it counts for each entry.
type backlog struct {
	max   int           // entries
	most  int           // bytes
	ready chan struct{} // holds a token while there may be entries

	mu     sync.Mutex
	chunks []waiting
	n      int
	bytes  int
}

// waiting is a chunk of a backlog.
type waiting struct {
	entries []Entry
	bytes   int
}

func newBacklog(entries, bytes int) *backlog {
	return &backlog{max: entries, most: bytes, ready: make(chan struct{}, 1)}
}

// put adds an entry. It reports false if the backlog is full; one entry always has room.
func (b *backlog) put(e Entry) bool {
	cost := costOf(e)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n >= b.max || b.n > 0 && b.bytes+cost > b.most {
		return false
	}
	last := len(b.chunks) - 1
	if last < 0 || len(b.chunks[last].entries) == chunkSize {
		b.chunks = append(b.chunks, waiting{entries: make([]Entry, 0, chunkSize)})
		last++
	}
	c := &b.chunks[last]
	c.entries, c.bytes = append(c.entries, e), c.bytes+cost
	b.n++
	b.bytes += cost
	select {
	case b.ready <- struct{}{}:
	default:
	}
	return true
}

// take removes and returns the oldest chunk, nil if there is none.
func (b *backlog) take() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.chunks) == 0 {
		return nil
	}
	oldest := b.chunks[0]
	b.chunks[0] = waiting{}
	b.chunks = b.chunks[1:]
	b.n -= len(oldest.entries)
	b.bytes -= oldest.bytes
	return oldest.entries
}

// waiting returns how many entries wait.
func (b *backlog) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

// What an entry is counted for, about: itself with a small event, and each item of its lists.
const (
	entryCost = 224
	itemCost  = 192
)

func costOf(e Entry) int {
	switch in := e.Input.(type) {
	case mesh.Heard:
		if in.Event == nil { // which can't be encoded, and ends the journal
			return entryCost
		}
		return entryCost + in.Event.Size()
	case mesh.Samples:
		return entryCost + itemCost*(len(in.RTT)+len(in.Health)) + 4*itemCost*len(in.Inventory)
	case mesh.Scores:
		return entryCost + itemCost*len(in.Chains)
	case mesh.Migrations:
		return entryCost + itemCost*len(in.InFlight)
	}
	return entryCost
}

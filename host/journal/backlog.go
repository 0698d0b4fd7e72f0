package journal

import "sync"

// chunkSize is how many entries a chunk of a backlog holds.
const chunkSize = 1024

// backlog holds the entries that wait to be written. It takes memory for those only, and
// adding one never copies the others.
type backlog struct {
	max   int
	ready chan struct{} // holds a token while there may be entries

	mu     sync.Mutex
	chunks [][]Entry
	n      int
}

func newBacklog(most int) *backlog { return &backlog{max: most, ready: make(chan struct{}, 1)} }

// put adds an entry. It reports false if the backlog is full.
func (b *backlog) put(e Entry) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n >= b.max {
		return false
	}
	last := len(b.chunks) - 1
	if last < 0 || len(b.chunks[last]) == chunkSize {
		b.chunks = append(b.chunks, make([]Entry, 0, chunkSize))
		last++
	}
	b.chunks[last] = append(b.chunks[last], e)
	b.n++
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
	b.chunks[0] = nil
	b.chunks = b.chunks[1:]
	b.n -= len(oldest)
	return oldest
}

package journal

import "sync"

// chunkSize is how many entries a chunk of a backlog has room for.
const chunkSize = 1024

// backlog holds the entries that wait to be written. It takes memory only for
// those, and putting one in never copies the others.
type backlog struct {
	max   int
	ready chan struct{} // holds a token when there may be entries

	mu     sync.Mutex
	chunks [][]Entry
	n      int
}

func newBacklog(most int) *backlog { return &backlog{max: most, ready: make(chan struct{}, 1)} }

// put says false when there is no room.
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

// take gives the oldest chunk, nil when there is none.
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

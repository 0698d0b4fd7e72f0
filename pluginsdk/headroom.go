package pluginsdk

import "sync"

const (
	// headroomPerPeer is about sixteen times what a call of a probe allocates for each peer.
	headroomPerPeer = 2560
	headroomPart    = 4 << 20 // what a Go program has anyway before it collects garbage
	maxHeadroom     = 12 * headroomPart
)

// headroom keeps the garbage collector from running at every other call of a probe that has many
// peers and little else in memory: one run costs more than the call. It is memory that is never
// touched, and so takes none, but counts as in use when the collector chooses when to run next.
// It only grows: memory that was freed has to be cleared before it is used again, which touches
// it.
type headroom struct {
	mu    sync.Mutex
	parts [][]byte
}

// fit makes room for the calls of a probe with so many peers.
func (h *headroom) fit(peers int) {
	size := min(peers, maxHeadroom/headroomPerPeer) * headroomPerPeer
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.parts) < size/headroomPart {
		h.parts = append(h.parts, make([]byte, 0, headroomPart))
	}
}

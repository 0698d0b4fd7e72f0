package pluginsdk

import "sync"

const (
	// headroomPerPeer is about sixteen times what a call of a probe allocates for each peer, and
	// what few peers have more of: before it collects garbage a Go program takes 4 MiB anyway.
	headroomPerPeer = 2560
	headroomPerFew  = 3 * headroomPerPeer
	headroomOfFew   = 8 << 20
	headroomPart    = 1 << 20
	maxHeadroom     = 48 << 20
	headroomFrom    = 64 // peers; below, the answers are not what costs most
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

// headroomOf returns how much a probe with so many peers gets.
func headroomOf(peers int) int {
	if peers < headroomFrom {
		return 0
	}
	peers = min(peers, maxHeadroom/headroomPerPeer)
	return max(min(peers*headroomPerFew, headroomOfFew), peers*headroomPerPeer)
}

// fit makes room for the calls of a probe with so many peers.
func (h *headroom) fit(peers int) {
	size := headroomOf(peers)
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.parts) < size/headroomPart {
		h.parts = append(h.parts, make([]byte, 0, headroomPart))
	}
}

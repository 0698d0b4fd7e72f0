package scoring

import (
	"sync"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// histories holds the histories of the chains that this node leads. The driver's
// goroutine writes them, others read.
type histories struct {
	start time.Time
	mu    sync.Mutex
	of    map[mesh.ChainID]*history
}

func newHistories(start time.Time) *histories {
	return &histories{start: start, of: make(map[mesh.ChainID]*history)}
}

// retain drops the histories of chains that this node does not lead any more.
func (h *histories) retain(led []Chain) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := 0
	for i := range led {
		if h.of[led[i].ID] != nil {
			kept++
		}
	}
	if kept == len(h.of) {
		return
	}
	of := make(map[mesh.ChainID]*history, kept)
	for i := range led {
		if one := h.of[led[i].ID]; one != nil {
			of[led[i].ID] = one
		}
	}
	h.of = of
}

// record records the worst scores of a table: all of them when a decision interval is
// over, and between two only those that changed.
func (h *histories) record(now time.Time, table mesh.Scores, all bool) {
	at := int32(now.Sub(h.start) / time.Second)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range table.Chains {
		score, ok := worst(c)
		if !ok {
			continue
		}
		one := h.of[c.Chain]
		if one == nil {
			one = &history{}
			h.of[c.Chain] = one
		} else if !all && one.current == score {
			continue
		}
		one.record(at, score)
	}
}

func (h *histories) get(id mesh.ChainID) (History, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.of[id]
	if one == nil {
		return History{}, false
	}
	return one.view(h.start), true
}

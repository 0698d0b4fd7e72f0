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

	mu     sync.Mutex
	of     map[mesh.ChainID]*history
	rounds rounds
	tables uint32 // whole ones
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

// record records the worst scores of an answer: all of them when a decision interval is
// over, and between two only those that changed. Chains that an answer with changes does
// not name have the score that they had.
func (h *histories) record(now time.Time, table mesh.Scores, all bool) {
	at := int32(now.Sub(h.start) / time.Second)
	h.mu.Lock()
	defer h.mu.Unlock()
	if all {
		h.rounds.add(at)
	}
	if !table.Changes {
		h.tables++
	}
	known := 0 // how many of its chains have a history
	for i := range table.Chains {
		c := &table.Chains[i]
		one := h.of[c.Chain]
		score, ok := worst(c)
		if one == nil {
			if !ok {
				continue
			}
			one = &history{}
			h.of[c.Chain] = one
			one.record(at, score, &h.rounds, all)
		} else if !ok {
			one.end(at, &h.rounds, all)
		} else if was, known := one.current(); !known || was != score {
			one.record(at, score, &h.rounds, all)
		}
		one.table = h.tables
		known++
	}
	for _, id := range table.Unscored {
		if one := h.of[id]; one != nil {
			one.end(at, &h.rounds, all)
		}
	}
	if !table.Changes && known < len(h.of) {
		for _, one := range h.of {
			if one.table != h.tables {
				one.end(at, &h.rounds, all)
			}
		}
	}
}

// drop drops the histories of some chains.
func (h *histories) drop(chains []mesh.ChainID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range chains {
		delete(h.of, id)
	}
}

func (h *histories) get(id mesh.ChainID) (History, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.of[id]
	if one == nil {
		return History{}, false
	}
	return one.view(h.start, &h.rounds), true
}

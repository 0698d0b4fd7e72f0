package scoring

import (
	"sync"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot/shared"
)

// histories holds the histories of the chains that this node leads and that the scorer has an
// opinion on. The driver's goroutine writes them, others read.
type histories struct {
	start time.Time

	mu      sync.Mutex
	of      *shared.Editor[mesh.ChainID, history]
	opinion int // of how many chains there is one now
	rounds  rounds
	table   bool // changes with each whole table
}

func newHistories(start time.Time) *histories {
	h := &histories{start: start}
	h.clear()
	return h
}

// clear drops all.
func (h *histories) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.of, h.opinion = shared.NewEditor[mesh.ChainID, history](64), 0
}

// retain drops the histories of chains that this node does not lead any more.
func (h *histories) retain(v *View) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var gone []mesh.ChainID
	replicas := v.of.Replicas.Finder()
	for id := range h.of.Now().All() {
		if c := v.led(replicas.Get(id)); len(c.Holders) == 0 {
			gone = append(gone, id)
		}
	}
	h.remove(gone)
}

// drop drops the histories of some chains.
func (h *histories) drop(chains []mesh.ChainID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(chains)
}

func (h *histories) remove(chains []mesh.ChainID) {
	for _, id := range chains {
		if one := h.of.Get(id); one != nil && one.opinion {
			h.opinion--
		}
		h.of.Delete(id)
	}
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
		h.table = !h.table
	}
	for i := range table.Chains {
		h.recordChain(at, &table.Chains[i], all)
	}
	for _, id := range table.Unscored {
		if one := h.of.Edit(id); one != nil {
			h.end(one, at, all)
		}
	}
	if !table.Changes {
		for id, one := range h.of.Now().All() {
			if one.table != h.table { // it is not in the table
				h.end(h.of.Edit(id), at, all)
			}
		}
	}
}

// recordChain records the worst score of a chain.
func (h *histories) recordChain(at int32, c *mesh.ChainScore, all bool) {
	one := h.of.Edit(c.Chain)
	if one == nil {
		h.of.Put(c.Chain, history{})
		one = h.of.Edit(c.Chain)
	}
	if !one.opinion {
		h.opinion++
	}
	one.opinion, one.table = true, h.table
	score, scored := worst(c)
	switch was, known := one.current(); {
	case !scored && known:
		one.end(at, &h.rounds, all)
	case scored && (!known || was != score):
		one.record(at, score, &h.rounds, all)
	}
}

// end notes that there is no opinion on a chain any more.
func (h *histories) end(one *history, at int32, all bool) {
	if one.opinion {
		h.opinion--
	}
	one.opinion = false
	one.end(at, &h.rounds, all)
}

// scored returns on how many chains there is an opinion.
func (h *histories) scored() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.opinion
}

func (h *histories) get(id mesh.ChainID) (History, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.of.Get(id)
	if one == nil || !one.began {
		return History{}, false
	}
	return one.view(h.start, &h.rounds), true
}

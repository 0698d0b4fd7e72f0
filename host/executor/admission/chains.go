package admission

import (
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// chains are left alone for a while after a pull or a drop was admitted. Each
// entry belongs to the action that made it, since several may be under way.
type chains struct {
	settling map[mesh.ChainID]hold
	// byEnd holds the entries in the order in which they end: the window is the same
	// for all. It may name some that were released in the meantime.
	byEnd []ending
}

type hold struct {
	until mesh.Time
	owner mesh.ActionID
}

type ending struct {
	chain mesh.ChainID
	hold
}

func newChains() chains { return chains{settling: make(map[mesh.ChainID]hold)} }

func (c *chains) blocks(chain mesh.ChainID, now mesh.Time) (Decision, bool) {
	h := c.settling[chain]
	if h.until <= now {
		return Decision{}, false
	}
	return Decision{
		Verdict: Defer, After: h.until.Sub(now),
		Reason: fmt.Sprintf("chain %d is left alone until it has settled", chain),
	}, true
}

func (c *chains) take(chain mesh.ChainID, owner mesh.ActionID, until mesh.Time) {
	h := hold{until: until, owner: owner}
	c.settling[chain] = h
	c.byEnd = append(c.byEnd, ending{chain, h})
}

// release ends the entry that owner made, if it is still there.
func (c *chains) release(chain mesh.ChainID, owner mesh.ActionID) {
	if h, taken := c.settling[chain]; taken && h.owner == owner {
		delete(c.settling, chain)
	}
}

func (c *chains) tick(now mesh.Time) {
	over := 0
	for over < len(c.byEnd) && c.byEnd[over].until <= now {
		if e := c.byEnd[over]; c.settling[e.chain] == e.hold {
			delete(c.settling, e.chain)
		}
		over++
	}
	c.byEnd = c.byEnd[over:]
	if len(c.byEnd) == 0 {
		c.byEnd = nil // so that a burst does not keep its memory
	}
}

package admission

import (
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// chains keeps pulls and drops away from a chain for a while after one was admitted.
type chains struct {
	settling map[mesh.ChainID]settling
	// byEnd lists the entries in the order in which they end, which is the order in
	// which they were made, since the window is the same for all. It may list some that
	// were released meanwhile.
	byEnd []chainSettling
}

// settling is the window of one chain. It belongs to the action that opened it.
type settling struct {
	until mesh.Time
	owner mesh.ActionID
}

type chainSettling struct {
	chain mesh.ChainID
	settling
}

func newChains() chains { return chains{settling: make(map[mesh.ChainID]settling)} }

// blocks reports whether a chain is settling, with the decision that follows.
func (c *chains) blocks(chain mesh.ChainID, now mesh.Time) (Decision, bool) {
	s := c.settling[chain]
	if s.until <= now {
		return Decision{}, false
	}
	return Decision{
		Verdict: Defer, After: s.until.Sub(now),
		Reason: fmt.Sprintf("chain %d is left alone until it has settled", chain),
	}, true
}

// settle opens the window of a chain, for the action owner.
func (c *chains) settle(chain mesh.ChainID, owner mesh.ActionID, until mesh.Time) {
	s := settling{until: until, owner: owner}
	c.settling[chain] = s
	c.byEnd = append(c.byEnd, chainSettling{chain, s})
}

// release ends the window of a chain if it still belongs to owner.
func (c *chains) release(chain mesh.ChainID, owner mesh.ActionID) {
	if s, ok := c.settling[chain]; ok && s.owner == owner {
		delete(c.settling, chain)
	}
}

// expire forgets the windows that are over.
func (c *chains) expire(now mesh.Time) {
	over := 0
	for over < len(c.byEnd) && c.byEnd[over].until <= now {
		if e := c.byEnd[over]; c.settling[e.chain] == e.settling {
			delete(c.settling, e.chain)
		}
		over++
	}
	c.byEnd = c.byEnd[over:]
	if len(c.byEnd) == 0 {
		c.byEnd = nil // so that a burst does not keep its memory
	}
}

package state

import (
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// maxForced bounds how many forced orders may wait. They are rare, and expire.
const maxForced = 1024

// ForcedOrder is a break-glass order that waits to be handed out: to evict Chain from Node
// or, if Place is set, to place it there.
type ForcedOrder struct {
	Place bool
	Chain mesh.ChainID
	Node  mesh.NodeID
	Until mesh.Time // when it is given up
}

func (o ForcedOrder) source() string {
	if o.Place {
		return fmt.Sprintf("force-cutover:%d", o.Chain)
	}
	return fmt.Sprintf("force-evict-replica:%d", o.Chain)
}

// Forced returns the forced orders that wait, in the order in which they arrived. It must
// not be written to.
func (s *State) Forced() []ForcedOrder { return s.forced }

// addForced takes an order that was given at a time.
func (s *State) addForced(o ForcedOrder, at mesh.Time) {
	for _, waiting := range s.forced {
		if waiting.Place == o.Place && waiting.Chain == o.Chain && waiting.Node == o.Node {
			return // the same order is waiting already
		}
	}
	if len(s.forced) >= maxForced {
		s.recordFailure(o.source(), fmt.Sprintf("not taken: %d forced orders are waiting already", len(s.forced)))
		return
	}
	o.Until = at.Add(s.policy.ForcedTTL)
	s.chains.edit(o.Chain)
	s.forced = append(s.forced, o)
}

// tickForced removes the orders for chains that another node leads, and gives up those that
// have waited too long, with a failure record.
func (s *State) tickForced() {
	s.forced = slices.DeleteFunc(s.forced, func(o ForcedOrder) bool {
		if c := s.chains.get(o.Chain); c != nil && c.leader != 0 && c.leader != s.node {
			s.chains.touch(o.Chain, c)
			return true
		}
		if s.now < o.Until {
			return false
		}
		s.chains.edit(o.Chain)
		why := "no leader of the chain is known"
		if _, frozen := s.Frozen(); frozen {
			why = "the cluster is frozen"
		} else if c := s.chains.get(o.Chain); c != nil && c.leader == s.node {
			why = "it could not be handed out"
		}
		s.recordFailure(o.source(), fmt.Sprintf("given up after %s: %s", s.policy.ForcedTTL, why))
		return true
	})
}

// key returns the key of the action that carries the order out.
func (o ForcedOrder) key() mesh.ActionKey {
	if o.Place {
		return mesh.RequestPlacement{Chain: o.Chain}.Key()
	}
	return mesh.RequestEviction{Chain: o.Chain}.Key()
}

// ForcedHandedOut removes an order whose action was handed out just now.
func (s *State) ForcedHandedOut(o ForcedOrder) {
	s.removeForced(o)
	if e := s.ledger.entries[o.key()]; e != nil {
		e.forced = &o
	}
}

// RefuseForced removes an order that must not be carried out, with a failure record.
func (s *State) RefuseForced(o ForcedOrder, reason string) {
	s.removeForced(o)
	s.recordFailure(o.source(), reason)
}

func (s *State) removeForced(o ForcedOrder) {
	s.chains.edit(o.Chain)
	s.forced = slices.DeleteFunc(s.forced, func(waiting ForcedOrder) bool { return waiting == o })
}

// unmet reports whether this node still has to carry an order out. An operator gives an
// order once, so a failure record must show when it ends without effect.
func (s *State) unmet(o ForcedOrder) bool {
	c := s.chains.get(o.Chain)
	return c != nil && c.leader == s.node && c.view(o.Chain).HeldBy(o.Node) != o.Place
}

// IsForced reports whether the last action of a key carries out a forced order.
func (s *State) IsForced(key mesh.ActionKey) bool {
	e := s.ledger.entries[key]
	return e != nil && e.forced != nil
}

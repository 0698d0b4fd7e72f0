package state

import (
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// forcedOrders bounds how many forced orders may wait; they are rare and expire.
const forcedOrders = 1024

// ForcedOrder is a break-glass order that waits to be handed out: an eviction of
// Node from Chain, or (Place) a placement on it.
type ForcedOrder struct {
	Place bool
	Chain mesh.ChainID
	Node  mesh.NodeID
	Until mesh.Time // given up then
}

func (o ForcedOrder) source() string {
	if o.Place {
		return fmt.Sprintf("force-cutover:%d", o.Chain)
	}
	return fmt.Sprintf("force-evict-replica:%d", o.Chain)
}

// Forced lists the forced orders that wait, in the order they arrived. It must
// not be written to.
func (s *State) Forced() []ForcedOrder { return s.forced }

func (s *State) forceOrder(o ForcedOrder) {
	for _, waiting := range s.forced {
		if waiting.Place == o.Place && waiting.Chain == o.Chain && waiting.Node == o.Node {
			return // the same order is waiting already
		}
	}
	if len(s.forced) >= forcedOrders {
		s.fail(o.source(), fmt.Sprintf("not taken: %d forced orders are waiting already", len(s.forced)))
		return
	}
	o.Until = s.now.Add(s.policy.ForcedTTL)
	s.forced = append(s.forced, o)
}

// tickForced lets go of the orders that are for another leader to carry out, and
// gives up those that waited too long, with a failure record.
func (s *State) tickForced() {
	s.forced = slices.DeleteFunc(s.forced, func(o ForcedOrder) bool {
		if c := s.chains.get(o.Chain); c != nil && c.leader != 0 && c.leader != s.node {
			return true
		}
		if s.now < o.Until {
			return false
		}
		why := "no leader of the chain is known"
		if _, frozen := s.Frozen(); frozen {
			why = "the cluster is frozen"
		} else if c := s.chains.get(o.Chain); c != nil && c.leader == s.node {
			why = "it could not be handed out"
		}
		s.fail(o.source(), fmt.Sprintf("given up after %s: %s", s.policy.ForcedTTL, why))
		return true
	})
}

// key is that of the action that carries an order out.
func (o ForcedOrder) key() mesh.ActionKey {
	if o.Place {
		return mesh.RequestPlacement{Chain: o.Chain}.Key()
	}
	return mesh.RequestEviction{Chain: o.Chain}.Key()
}

// CarriedOut takes away an order whose action was handed out just now.
func (s *State) CarriedOut(o ForcedOrder) {
	s.takeOrder(o)
	if e := s.ledger.entries[o.key()]; e != nil {
		e.forced = &o
	}
}

// RefuseForced takes away an order that must not be carried out, and says why.
func (s *State) RefuseForced(o ForcedOrder, reason string) {
	s.takeOrder(o)
	s.fail(o.source(), reason)
}

func (s *State) takeOrder(o ForcedOrder) {
	s.forced = slices.DeleteFunc(s.forced, func(waiting ForcedOrder) bool { return waiting == o })
}

// unmet says whether an order is still this node's to carry out, and is not carried
// out. Nobody gives it again, so its end must be seen.
func (s *State) unmet(o ForcedOrder) bool {
	c := s.chains.get(o.Chain)
	return c != nil && c.leader == s.node && c.view(o.Chain).HeldBy(o.Node) != o.Place
}

// ByForce says whether the last action of a key carries out a forced order.
func (s *State) ByForce(key mesh.ActionKey) bool {
	e := s.ledger.entries[key]
	return e != nil && e.forced != nil
}

package reconcile

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// want is an action that should be done, with what has to be noted when it is handed out.
type want struct {
	arm int // that wants it
	// action lacks what depends on the moment in which it is handed out, see complete.
	action mesh.Action
	// forced is the forced order that the action carries out; nil for none.
	forced *state.ForcedOrder
	// rebalance is the move that the action begins; nil for none.
	rebalance *state.Rebalance
	even      bool // a leader is handed over since others lead fewer chains
}

// refusal is a forced order that must not be carried out, and why.
type refusal struct {
	order  state.ForcedOrder
	reason string
}

// diff collects what the arms of one pass want.
type diff struct {
	s        *state.State
	scope    *scope // what to decide about; nil for everything
	arm      int    // that decides now
	wants    []want
	refusals []refusal
	// decided are the chains that get a placement or an eviction in this pass. A chain
	// gets at most one of the two.
	decided map[mesh.ChainID]bool
	// removing are, by chain, the holders from which it is being removed, by earlier
	// passes and by this one.
	removing map[mesh.ChainID][]mesh.NodeID
	// lost are the nodes that do not count as holders, and leaving are those that do not
	// count when the leader asks for placements. Usually there are few, so most chains
	// need no look at each of their holders.
	lost, leaving map[mesh.NodeID]bool
}

func newDiff(s *state.State) *diff {
	return &diff{
		s: s, decided: make(map[mesh.ChainID]bool),
		removing: s.PendingRemovals(), lost: s.LostNodes(), leaving: s.LeavingNodes(),
	}
}

// decide returns what should be done now, whether or not it was handed out before. It does
// not change the state. A frozen cluster does nothing.
func decide(s *state.State) *diff { return newDiff(s).decide() }

// decide runs all arms, in their order.
func (d *diff) decide() *diff {
	if _, frozen := d.s.Frozen(); frozen {
		return d
	}
	for i, arm := range [...]func(){
		d.daemons,
		d.forcedEvictions,
		d.forcedPlacements,
		d.localReplicas,
		d.replicaCount,
		d.locality,
		d.maintenance,
		d.rebalance,
		d.leaders,
	} {
		d.arm = i
		arm()
	}
	return d
}

func (d *diff) add(a mesh.Action) { d.wants = append(d.wants, want{arm: d.arm, action: a}) }

// addMove wants a placement or an eviction of a chain.
func (d *diff) addMove(id mesh.ChainID, w want) {
	d.decided[id] = true
	w.arm = d.arm
	d.wants = append(d.wants, w)
	if a, ok := w.action.(mesh.RequestEviction); ok {
		d.countRemoval(id, a.Victim, a)
	}
}

// countRemoval notes the removal of a chain from a holder, if it can be handed out now, so
// that later arms count it as done.
func (d *diff) countRemoval(id mesh.ChainID, n mesh.NodeID, a mesh.Action) {
	if d.s.Ready(a.Key()) {
		d.removing[id] = append(d.removing[id], n)
	}
}

// live returns the holders of a chain that count: those that are live and from which the
// chain is not being removed.
func (d *diff) live(c state.Chain) []mesh.NodeID {
	out := make([]mesh.NodeID, 0, len(c.Holders))
	for _, n := range c.Holders {
		if d.counts(c, n) {
			out = append(out, n)
		}
	}
	return out
}

func (d *diff) counts(c state.Chain, n mesh.NodeID) bool {
	return !d.lost[n] && !slices.Contains(d.removing[c.ID], n)
}

// count returns how many holders of a chain count, and how many of those stay.
func (d *diff) count(c state.Chain) (live, staying int) {
	if len(d.lost) == 0 && len(d.leaving) == 0 && len(d.removing[c.ID]) == 0 {
		return len(c.Holders), len(c.Holders)
	}
	for _, n := range c.Holders {
		if d.counts(c, n) {
			live++
			if !d.leaving[n] {
				staying++
			}
		}
	}
	return live, staying
}

// leads reports whether this node decides about the chain's holders. If no leader is known,
// no node does.
func (d *diff) leads(c state.Chain) bool { return c.Leader == d.s.Node() }

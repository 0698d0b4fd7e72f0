package reconcile

import (
	"iter"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// want is an action with what has to be written down when it is handed out.
type want struct {
	action mesh.Action
	// forced is the order that the action carries out; nil for none.
	forced *state.ForcedOrder
	// rebalance is the move that the action begins; nil for none.
	rebalance *state.Rebalance
}

// refusal is a forced order that must not be carried out, and why.
type refusal struct {
	order  state.ForcedOrder
	reason string
}

// diff collects what the arms of one pass want.
type diff struct {
	s        *state.State
	about    *mesh.ChainID // the only chain to judge; nil for all
	wants    []want
	refusals []refusal
	// decided are the chains that got a placement or an eviction in this pass: one
	// chain gets one of them, never both.
	decided map[mesh.ChainID]bool
	// removing are the holders that chains are being taken from, from before and by
	// this pass.
	removing map[mesh.ChainID][]mesh.NodeID
	// lost and leaving are the nodes that do not count as holders, and that don't
	// for a leader that asks for placements. There are few as a rule, so that a chain
	// is judged without looking each of its holders up.
	lost, leaving map[mesh.NodeID]bool
	// barred are the nodes that may not be given a replica, ascending; made when
	// first asked for.
	barred []mesh.NodeID
}

func newDiff(s *state.State) *diff {
	return &diff{
		s: s, decided: make(map[mesh.ChainID]bool),
		removing: s.PendingRemovals(), lost: s.LostNodes(), leaving: s.LeavingNodes(),
	}
}

// chains gives the chains to judge. No chain's judgement depends on another one.
func (d *diff) chains() iter.Seq[state.Chain] {
	if d.about == nil {
		return d.s.Chains()
	}
	return func(yield func(state.Chain) bool) {
		if c, ok := d.s.Chain(*d.about); ok {
			yield(c)
		}
	}
}

func (d *diff) add(a mesh.Action) { d.wants = append(d.wants, want{action: a}) }

// addMove wants a placement or an eviction of a chain.
func (d *diff) addMove(id mesh.ChainID, w want) {
	d.decided[id] = true
	d.wants = append(d.wants, w)
	if a, ok := w.action.(mesh.RequestEviction); ok {
		d.countRemoval(id, a.Victim, a)
	}
}

// countRemoval notes that a holder is taken from a chain, if that can be handed out now,
// so that the arms that follow count it as done.
func (d *diff) countRemoval(id mesh.ChainID, n mesh.NodeID, a mesh.Action) {
	if d.s.Ready(a.Key()) {
		d.removing[id] = append(d.removing[id], n)
	}
}

// live lists the holders of a chain that count: the live ones that nothing takes,
// neither in this pass nor from before.
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

// count says how many holders of a chain count, and how many of those stay.
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

// leads says whether this node decides on the chain's placement: a chain whose
// leader is not known is nobody's to move.
func (d *diff) leads(c state.Chain) bool { return c.Leader == d.s.Node() }

// barredNodes are the nodes that may not be given a replica of any chain.
func (d *diff) barredNodes() []mesh.NodeID {
	if d.barred == nil {
		d.barred = d.s.BarredNodes()
	}
	return d.barred
}

package main

import (
	"cmp"
	"slices"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// rated is a node with its facts and its score.
type rated struct {
	id    uint64
	score float64
	facts facts
}

// ranking has every node of one view, each scored once, and the candidates that may get
// another chain, best first. The best alternative of a chain is the first candidate that
// does not hold it: to find it takes as many steps as the chain has holders, not as many
// as there are nodes.
type ranking struct {
	nodes      []rated // ascending by id
	candidates []rated // best first; of equal ones the lowest id first
}

// rank scores every node of the view.
func rank(p *formula, self uint64, views []*pluginv1.NodeView) ranking {
	r := ranking{nodes: make([]rated, 0, len(views))}
	for _, view := range views {
		id := view.GetPeer().GetPeer()
		if id == 0 {
			continue // 0 is not an id
		}
		f := factsOf(view, id == self)
		r.nodes = append(r.nodes, rated{id: id, score: p.score(f), facts: f})
	}
	byID := func(a, b rated) int { return cmp.Compare(a.id, b.id) }
	if !slices.IsSortedFunc(r.nodes, byID) {
		slices.SortStableFunc(r.nodes, byID)
	}
	for _, n := range r.nodes {
		if n.id != self && n.score > 0 && mayHost(n.facts) {
			r.candidates = append(r.candidates, n)
		}
	}
	slices.SortFunc(r.candidates, func(a, b rated) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.id, b.id))
	})
	return r
}

// mayHost reports whether a placement may name the node: cordoned, avoided, unreachable and
// not Active nodes are never asked. An unknown phase counts as Active. (rank makes sure
// that the node itself is not a candidate.)
func mayHost(f facts) bool {
	if f.cordoned || f.avoided || f.health == meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE {
		return false
	}
	return f.phase == meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE ||
		f.phase == meshosv1.MaintenancePhase_MAINTENANCE_PHASE_UNSPECIFIED
}

// find returns the node with this id, or false if the view does not have it.
func (r *ranking) find(id uint64) (rated, bool) {
	i, ok := slices.BinarySearchFunc(r.nodes, id, func(n rated, id uint64) int { return cmp.Compare(n.id, id) })
	if !ok {
		return rated{}, false
	}
	return r.nodes[i], true
}

// best returns the best candidate that is not a holder. holders must be ascending.
func (r *ranking) best(holders []uint64) (rated, bool) {
	for _, c := range r.candidates {
		if _, holds := slices.BinarySearch(holders, c.id); !holds {
			return c, true
		}
	}
	return rated{}, false
}

package reconcile

import (
	"iter"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scratch"
	"github.com/meshos/meshos/host/state"
)

// scope is what a pass decides about: for each list everything, or some of it, by ascending
// ids. No decision about a chain depends on another chain.
type scope struct {
	daemons []mesh.DaemonID
	chains  []mesh.ChainID
	peers   []mesh.NodeID

	allDaemons, allChains, allPeers bool

	views []state.Chain // of chains, made when an arm needs them first
	made  bool

	gauges struct{ daemons, chains, peers, views scratch.Gauge }
}

// chains yields the chains to decide about.
func (d *diff) chains() iter.Seq[state.Chain] {
	if d.scope == nil || d.scope.allChains {
		return d.s.Chains()
	}
	if !d.scope.made {
		d.scope.made = true
		for _, id := range d.scope.chains {
			if c, ok := d.s.Chain(id); ok {
				d.scope.views = append(d.scope.views, c)
			}
		}
	}
	return slices.Values(d.scope.views)
}

// daemonsToDecide yields the daemons to decide about.
func (d *diff) daemonsToDecide() iter.Seq[state.Daemon] {
	if d.scope == nil || d.scope.allDaemons {
		return d.s.Daemons()
	}
	return each(d.scope.daemons, d.s.Daemon)
}

// peers yields the peers to decide about.
func (d *diff) peers() iter.Seq[state.Peer] {
	if d.scope == nil || d.scope.allPeers {
		return d.s.Peers()
	}
	return each(d.scope.peers, d.s.Peer)
}

// each yields what get returns for ids, of those that are known.
func each[K, V any](ids []K, get func(K) (V, bool)) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, id := range ids {
			if v, ok := get(id); ok && !yield(v) {
				return
			}
		}
	}
}

// union writes the ids of some lists, ascending and each once, to the memory of into.
func union[K ~uint64](g *scratch.Gauge, into []K, lists ...[]K) []K {
	into = scratch.Again(g, into)
	for _, ids := range lists {
		into = append(into, ids...)
	}
	slices.Sort(into)
	return slices.Compact(into)
}

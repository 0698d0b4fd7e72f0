package state

import (
	"fmt"
	"maps"
	"slices"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

// facts are what decisions about chains ask of a node, apart from round-trip times.
type facts uint8

const (
	factLost        facts = 1 << iota // it does not count as a holder
	factLeaving                       // it hands its replicas to others
	factMaintenance                   // it is in maintenance
	factCordoned
	factAvoided
	factBarred // no replica is placed on it, not because it is avoided
	factUnfit  // no chain is handed over to it, not because it is lost or avoided
)

// nodeFacts are the facts of the nodes as of the last tick, of those that have any. There are
// usually few. When one changes, the chains for which the node matters are touched.
type nodeFacts struct {
	of            map[mesh.NodeID]facts
	lost, leaving map[mesh.NodeID]bool
	barred        []mesh.NodeID // that may not be given replicas, ascending; nil if it has to be made
}

func newNodeFacts() nodeFacts {
	return nodeFacts{of: make(map[mesh.NodeID]facts), lost: make(map[mesh.NodeID]bool), leaving: make(map[mesh.NodeID]bool)}
}

// factsOf returns the facts of a node as they are now.
func (s *State) factsOf(n mesh.NodeID) (f facts) {
	note := func(holds bool, fact facts) {
		if holds {
			f |= fact
		}
	}
	if p := s.peers.get(n); p != nil {
		note(p.health == mesh.HealthUnreachable && !s.Live(n), factLost)
		note(p.isCordoned(), factCordoned)
		note(n != s.node && p.barred(), factBarred)
	}
	note(s.Leaving(n), factLeaving)
	note(s.InMaintenance(n), factMaintenance)
	note(s.Avoids(n), factAvoided)
	note(n != s.node && s.unfitToLead(n), factUnfit)
	return f
}

// noteFacts takes over the facts of a node, and touches the chains for which it matters if
// they have changed.
func (s *State) noteFacts(n mesh.NodeID) (changed bool) {
	before, now := s.nodes.of[n], s.factsOf(n)
	if before == now {
		return false
	}
	if s.nodes.of[n] = now; now == 0 {
		delete(s.nodes.of, n)
	}
	note := func(set map[mesh.NodeID]bool, fact facts) {
		if now&fact != 0 {
			set[n] = true
		} else {
			delete(set, n)
		}
	}
	note(s.nodes.lost, factLost)
	note(s.nodes.leaving, factLeaving)
	if (before^now)&(factAvoided|factBarred) != 0 {
		s.nodes.barred = nil
		s.members.targets++
	}
	for id := range s.chainsOf.of(s, n) {
		s.chains.edit(id)
	}
	return true
}

// Lost returns LostNodes as of the last tick. It must not be written to.
func (s *State) Lost() map[mesh.NodeID]bool { return s.nodes.lost }

// LeavingNow returns LeavingNodes as of the last tick. It must not be written to.
func (s *State) LeavingNow() map[mesh.NodeID]bool { return s.nodes.leaving }

// Barred returns BarredNodes as of the last tick. It must not be written to.
func (s *State) Barred() []mesh.NodeID {
	if s.nodes.barred == nil {
		out := []mesh.NodeID{s.node}
		for n, f := range s.nodes.of {
			if f&(factAvoided|factBarred) != 0 {
				out = append(out, n)
			}
		}
		slices.Sort(out)
		s.nodes.barred = slices.Compact(out)
	}
	return s.nodes.barred
}

// tickFacts takes over the facts of the nodes that were touched.
func (s *State) tickFacts(peers, avoided marks.Touched[mesh.NodeID]) {
	if !peers.All && !avoided.All {
		for _, id := range avoided.IDs {
			s.noteFacts(id)
		}
		for _, id := range peers.IDs {
			p := s.peers.get(id)
			unmarked := p != nil && s.peers.unmarked(id, p)
			if s.noteFacts(id) && unmarked {
				s.Missed(fmt.Sprintf("peer %d", id), "it counts otherwise than the chains took it to")
			}
		}
		return
	}
	for _, id := range slices.Collect(maps.Keys(s.nodes.of)) {
		s.noteFacts(id)
	}
	for id := range s.peers.all() {
		s.noteFacts(id)
	}
	for id := range s.avoid.all() {
		s.noteFacts(id)
	}
}

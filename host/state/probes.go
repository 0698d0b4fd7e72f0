package state

import (
	"slices"

	"github.com/meshos/meshos/host/entries"
	"github.com/meshos/meshos/host/mesh"
)

// probe stands for the name of a probe: there may be very many entries that have one.
type probe uint32

// saidBy is what one probe said, by peer, as long as it is known.
type saidBy struct {
	probe                       probe
	measured, judged, inventory peerList
}

// probes are those that have answered.
type probes struct {
	known map[string]*saidBy
}

func newProbes() probes {
	p := probes{known: make(map[string]*saidBy)}
	p.of("mesh") // meshProbe
	return p
}

// of returns what the probe of a name said.
func (p *probes) of(name string) *saidBy {
	by := p.known[name]
	if by == nil {
		by = &saidBy{probe: probe(len(p.known))}
		p.known[name] = by
	}
	return by
}

// peerList are the peers that a probe said something of. Some may be there twice, and of some it
// may be known no more: an answer that is complete removes these. So it takes as long as the probe
// says much, however many peers there are.
type peerList struct {
	places []entries.Place // in the table of peers
	clean  int             // how many there were when the list was tidied last
}

// noteSaid adds a peer to a list.
func (s *State) noteSaid(l *peerList, id mesh.NodeID) {
	place, known := s.peers.entries.Place(id)
	if !known {
		return
	}
	if l.places = append(l.places, place); len(l.places) > 2*l.clean+64 {
		slices.Sort(l.places)
		l.places = slices.Compact(l.places)
		l.clean = len(l.places)
	}
}

// dropUnsaid calls drop for each peer of a list, and forgets the peers about which nothing is
// known after it has dropped something. It takes peers off the list of which drop says that the
// probe had said nothing, or has now dropped it.
func (s *State) dropUnsaid(l *peerList, drop func(p *peer) (had, dropped bool)) {
	var gone []mesh.NodeID
	kept := l.places[:0]
	for _, place := range l.places {
		id, p := s.peers.entries.At(place)
		if id == 0 {
			continue
		}
		switch had, dropped := drop(p); {
		case dropped:
			gone = append(gone, id)
		case had:
			kept = append(kept, place)
		}
	}
	if l.places, l.clean = kept, min(l.clean, len(kept)); cap(kept) > 4*len(kept)+64 {
		l.places = slices.Clone(kept)
	}
	slices.Sort(gone)
	for _, id := range gone {
		if p := s.peers.edit(id); p != nil {
			s.sweepPeer(id, p)
		}
	}
}

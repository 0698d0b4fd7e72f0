package state

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// cutOffWithin is the time within which more than half of the peers have to be lost for this
// node to be the one that may be cut off.
const cutOffWithin = 10 * time.Second

// CutOff says that so many of the measured peers were lost at nearly the same time.
type CutOff struct {
	Lost, Peers int
	Since       mesh.Time // when the last of them was lost
}

// CutOff reports whether this node may be the one that is cut off from the others: more than
// half of the peers that are measured were lost within 10 s of each other, and still are.
func (s *State) CutOff() (CutOff, bool) {
	if c := &s.cut; !c.known || c.judged != s.judged {
		out, cut := s.countCutOff()
		s.cut = cutOffCache{known: true, judged: s.judged, out: out, cut: cut}
	}
	return s.cut.out, s.cut.cut
}

// cutOffCache is the last answer of CutOff, which holds until another echo state changes.
type cutOffCache struct {
	known  bool
	judged uint64
	out    CutOff
	cut    bool
}

func (s *State) countCutOff() (CutOff, bool) {
	var lost []mesh.Time
	measured := 0
	for id, p := range s.peers.all() {
		if id == s.node || p.echo == EchoUnknown {
			continue
		}
		measured++
		if p.echo == EchoLost {
			lost = append(lost, p.echoSince)
		}
	}
	slices.Sort(lost)
	out := CutOff{Peers: measured}
	first := 0
	for last := range lost {
		for lost[last].Sub(lost[first]) > cutOffWithin {
			first++
		}
		if n := last - first + 1; n > out.Lost {
			out.Lost, out.Since = n, lost[last]
		}
	}
	return out, 2*out.Lost > measured
}

package state

import (
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

// tickPeers goes through the peers and the entries of the avoid list that were touched or are
// due. What it touches itself is for the next tick, too.
func (s *State) tickPeers() {
	peers, avoided := s.peers.marks.Of(marks.Tick), s.avoid.marks.Of(marks.Tick)
	s.peers.marks.Taken(marks.Tick)
	s.avoid.marks.Taken(marks.Tick)
	for id, a := range s.avoid.only(avoided) {
		if a.Until <= s.now {
			s.avoid.remove(id)
		}
	}
	for id, p := range s.peers.only(peers) {
		s.tickPeer(id, p)
	}
	s.letOutAll(peers, avoided)
	s.tickFacts(peers, avoided)
}

// tickPeer drops what probes did not renew in time, judges the echoes of a peer, and notes
// when it is lost and when it is back.
func (s *State) tickPeer(id mesh.NodeID, p *peer) {
	unmarked := s.peers.unmarked(id, p)
	changed := s.expire(p)
	if changed && s.sweepPeer(id, p) {
		return
	}
	changed = s.judge(p) || changed
	back := false
	if live := s.Live(id); live == p.lost {
		changed, p.lost, back = true, !live, live
	}
	if changed {
		s.peers.touch(id, p)
		if unmarked {
			s.Missed(fmt.Sprintf("peer %d", id), "what is known of it was due to change, and did not")
		}
	}
	if back {
		s.noteReturn(id)
		if s.sweepPeer(id, p) {
			return
		}
	}
	s.schedulePeer(id, p)
}

// letOutAll lets out the avoided peers that are well again, by id.
func (s *State) letOutAll(peers, avoided marks.Touched[mesh.NodeID]) {
	if peers.All || avoided.All || s.avoid.len() <= len(peers.IDs)+len(avoided.IDs) {
		for id := range s.avoid.all() {
			s.letOut(id)
		}
		return
	}
	ids := slices.Concat(peers.IDs, avoided.IDs)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		s.letOut(id)
	}
}

package main

import (
	"maps"
	"slices"
	"time"

	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// sessions is who is there, as one seed hears it. It reads no clock.
type sessions struct {
	length time.Duration
	nodes  map[uint64]*session
}

type session struct {
	incarnation uint64
	before      uint64 // incarnation before that one
	tick        uint64
	revision    uint64 // of the summary that the node said last, as its beats have it
	address     string
	heard       time.Time
	late        bool // a beat is overdue
	begun       bool // a beat was heard, not only a summary
	left        bool
	orderly     bool
	ended       time.Time // when left became true
	twice       time.Time // when a beat came from an incarnation that had been replaced

	summary *meshosv1.NodeSummary
	of      [2]uint64 // incarnation and revision of the summary
	said    time.Time
}

func newSessions(length time.Duration) *sessions {
	return &sessions{length: length, nodes: map[uint64]*session{}}
}

func (s *sessions) get(id uint64) *session {
	one := s.nodes[id]
	if one == nil {
		one = &session{}
		s.nodes[id] = one
	}
	return one
}

// beat takes a beat. It reports whether the others should hear of it, and whether the node has
// said a summary that is not known here.
func (s *sessions) beat(now time.Time, id uint64, b *natsv1.Beat) (changed, lacks bool) {
	one := s.get(id)
	if b.GetLeaving() {
		if b.GetIncarnation() != one.incarnation || one.left {
			return false, false
		}
		one.left, one.orderly, one.ended = true, true, now
		return true, false
	}
	same := b.GetIncarnation() == one.incarnation && one.begun
	if same && b.GetTick() <= one.tick {
		return false, false
	}
	if !same {
		if b.GetIncarnation() == one.before {
			one.twice = now
		}
		one.before, one.incarnation = one.incarnation, b.GetIncarnation()
	}
	changed = !same || one.left || one.late || b.GetAddress() != one.address
	one.begun, one.left, one.orderly, one.late, one.heard = true, false, false, false, now
	one.tick, one.revision, one.address = b.GetTick(), b.GetRevision(), b.GetAddress()
	return changed, b.GetRevision() > 0 && one.of != [2]uint64{b.GetIncarnation(), b.GetRevision()}
}

// hear takes a summary, and reports whether the others should hear of it. While two machines use
// one id neither is believed.
func (s *sessions) hear(now time.Time, id uint64, said *natsv1.Said) bool {
	one := s.get(id)
	of := [2]uint64{said.GetIncarnation(), said.GetRevision()}
	if of == one.of || one.usedTwice(now.Add(-2*s.length)) {
		return false
	}
	one.summary, one.of, one.said = said.GetSummary(), of, now
	return one.begun
}

// overdue returns whose sessions have lasted too long without a beat, ascending, and how many
// nodes are there with them.
func (s *sessions) overdue(now time.Time, after time.Duration) (late []uint64, there int) {
	for id, one := range s.nodes {
		if !one.begun || one.left {
			continue
		}
		there++
		if now.Sub(one.heard) > after {
			late = append(late, id)
		}
	}
	slices.Sort(late)
	return late, there
}

// silent returns of whom a beat has become overdue since it was asked last, ascending.
func (s *sessions) silent(now time.Time, after time.Duration) []uint64 {
	late, _ := s.overdue(now, after)
	return slices.DeleteFunc(late, func(id uint64) bool {
		known := s.nodes[id].late
		s.nodes[id].late = true
		return known
	})
}

// end ends sessions.
func (s *sessions) end(now time.Time, ids ...uint64) {
	for _, id := range ids {
		one := s.nodes[id]
		one.left, one.orderly, one.ended = true, false, now
	}
}

// lately returns whose sessions have ended without order within the last minute, ascending.
func (s *sessions) lately(now time.Time) []uint64 {
	var out []uint64
	for id, one := range s.nodes {
		if one.left && !one.orderly && now.Sub(one.ended) < time.Minute {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// wait gives all sessions that much more time, because nothing could be heard for so long.
func (s *sessions) wait(d time.Duration) {
	for _, one := range s.nodes {
		one.heard = one.heard.Add(d)
	}
}

// keepOnly forgets nodes, and returns whose sessions end with that.
func (s *sessions) keepOnly(known func(id uint64) bool) (gone []uint64) {
	for id, one := range s.nodes {
		if known(id) {
			continue
		}
		if one.begun && !one.left {
			gone = append(gone, id)
		}
		delete(s.nodes, id)
	}
	return gone
}

// highest returns the node that has the longest record of the log, of those that are there.
func (s *sessions) highest() (id, height uint64) {
	for one, session := range s.nodes {
		if h := session.summary.GetHeight(); session.begun && !session.left && h > height {
			id, height = one, h
		}
	}
	return id, height
}

func (one *session) usedTwice(since time.Time) bool { return one.twice.After(since) }

// twice returns nodes whose id two machines use, as far as was heard since a time.
func (s *sessions) twice(since time.Time) []uint64 {
	var out []uint64
	for id, one := range s.nodes {
		if one.usedTwice(since) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// ids returns all nodes of which a beat was heard, ascending.
func (s *sessions) ids() []uint64 {
	out := slices.Sorted(maps.Keys(s.nodes))
	return slices.DeleteFunc(out, func(id uint64) bool { return !s.nodes[id].begun })
}

package state

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// EchoState is what the measurements of locality probes say of a peer.
type EchoState uint8

// The states, in the contract's order.
const (
	EchoUnknown  EchoState = iota // not measured, or not for long enough
	EchoAnswers                   // it answers
	EchoDegraded                  // it was too slow, or lost too much, for the time that policy allows
	EchoLost                      // it answered nothing for a number of rounds
	EchoSilent                    // it never answered echoes, but its health checks
)

// echoWindow is over how many echoes loss is judged. Of a probe that has counted fewer, the
// missing ones count as answered, so that one lost echo of three is not a third.
const echoWindow = 20

// path is what the measurements of one locality probe say of one peer. A measurement has the
// time at which the first answer with it was folded; further answers with it do not count
// again, but may correct it.
type path struct {
	from       origin // of the last answer
	at         mesh.Time
	sample     mesh.RTTSample
	unanswered uint32 // measurements in a row without any answer
	bad, well  span
}

// span is a run of measurements of which something holds. The zero value is none.
type span struct {
	begun       bool
	since, last mesh.Time
}

// note adds a measurement of which something holds or not.
func (s *span) note(holds bool, at mesh.Time) {
	switch {
	case !holds:
		*s = span{}
	case s.begun:
		s.last = at
	default:
		*s = span{begun: true, since: at, last: at}
	}
}

// lasted reports whether the run has lasted for so long, from its first to its last
// measurement.
func (s *span) lasted(d time.Duration) bool { return s.begun && s.last.Sub(s.since) >= d }

// measures reports whether the last measurement says something about the peer: what was not
// sent does not.
func (m *path) measures() bool {
	r := &m.sample
	return r.RTT > 0 || !r.NoAnswer.NothingSent() && (r.Sent > 0 || r.NoAnswer != mesh.NoAnswerUnknown)
}

// take folds what a probe says of a peer.
func (m *path) take(r mesh.RTTSample, from origin, policy *Policy) {
	fresh := !m.from.probed || r.Round == 0 || r.Round != m.sample.Round
	m.from, m.sample = from, r
	if fresh {
		m.at = from.at
	}
	silent := r.RTT == 0 && m.measures()
	switch {
	case r.Round != 0:
		m.unanswered = r.Unanswered
	case r.RTT > 0:
		m.unanswered = 0
	case silent:
		m.unanswered++
	}
	loss := lossOf(r.Echoes)
	bad := r.RTT > policy.DegradedRTT || loss > policy.DegradedLoss || silent && m.bad.begun
	well := r.RTT > 0 && r.RTT < policy.DegradedRTT*4/5 && (loss == 0 || loss < policy.DegradedLoss/2)
	m.bad.note(bad && m.measures(), m.at)
	m.well.note(well, m.at)
}

// lossOf returns the share of the last echoes that were not answered in time.
func lossOf(e mesh.Echoes) float64 {
	return float64(e.Sent-min(e.Sent, e.Received)) / float64(max(e.Sent, echoWindow))
}

// pathOf returns what a probe said of the peer; nil for nothing.
func (e *echoing) pathOf(probe probe) *path {
	for i := range e.paths {
		if e.paths[i].from.probe == probe {
			return &e.paths[i]
		}
	}
	return nil
}

// pathBy reports whether a probe said anything of the peer's echoes.
func (p *peer) pathBy(probe probe) bool { return p.echoing != nil && p.echoing.pathOf(probe) != nil }

// tidyEchoing forgets what says nothing.
func (p *peer) tidyEchoing() {
	if e := p.echoing; e != nil && e.echoes == (mesh.Echoes{}) && len(e.paths) == 0 {
		p.echoing = nil
	}
}

// dropPaths drops what probes measured if its origin is over, and reports whether it did.
func (e *echoing) dropPaths(over func(origin) bool) bool {
	before := len(e.paths)
	e.paths = slices.DeleteFunc(e.paths, func(m path) bool { return over(m.from) })
	if len(e.paths) == 0 {
		e.paths = nil
	}
	return len(e.paths) < before
}

// judge sets the echo state of a peer. A path is better than none: a peer is lost only if no
// probe gets an answer, and degraded if one finds it so.
func (s *State) judge(p *peer) (changed bool) {
	state, worst := s.echoOf(p)
	changed = state != p.echo || worst != p.worst
	p.worst = worst
	if state != p.echo {
		p.echo, p.echoSince = state, s.now
		s.judged++
	}
	return changed
}

// echoOf returns the state of a peer and the index of the path that it comes from.
func (s *State) echoOf(p *peer) (EchoState, uint8) {
	state, worst, lost, measured := EchoUnknown, uint8(0), 0, 0
	_, paths := p.said()
	for i := range paths {
		m := &paths[i]
		if !m.measures() {
			continue
		}
		measured++
		if m.unanswered >= uint32(s.policy.Failures) {
			if lost++; lost == 1 && state == EchoUnknown {
				worst = uint8(min(i, math.MaxUint8))
			}
			continue
		}
		next := EchoUnknown
		switch {
		case m.bad.lasted(s.policy.DegradedFor):
			next = EchoDegraded
		case p.answered:
			next = EchoAnswers
		}
		if next > state {
			state, worst = next, uint8(min(i, math.MaxUint8))
		}
	}
	switch {
	case measured == 0 || lost < measured:
		return state, worst
	case !p.answered && (p.health == mesh.HealthHealthy || p.health == mesh.HealthDegraded):
		return EchoSilent, worst
	}
	return EchoLost, worst
}

// wellAgain reports whether a peer has been well for long enough to be no longer avoided
// because of what probes measured.
func (s *State) wellAgain(p *peer) bool {
	if p.echo == EchoSilent {
		return s.now.Sub(p.echoSince) >= s.policy.RecoverAfter
	}
	if p.echo != EchoAnswers {
		return false
	}
	_, paths := p.said()
	for i := range paths {
		if m := &paths[i]; m.measures() && !m.well.lasted(s.policy.RecoverAfter) {
			return false
		}
	}
	return true
}

// letOut takes a peer off the avoid list that is there because of what probes measured and
// that is well again.
func (s *State) letOut(id mesh.NodeID) {
	a, p := s.avoid.get(id), s.peers.get(id)
	if a == nil || !a.Probed || p == nil || !s.wellAgain(p) {
		return
	}
	early := a.Until.Sub(s.now)
	s.avoid.remove(id)
	s.noteFacts(id)
	s.recordLog(mesh.LogLine{Level: mesh.LevelInfo, Message: fmt.Sprintf(
		"peer %s has been well for %s and is no longer avoided, %s before its time",
		label(id, p.name), s.policy.RecoverAfter, early.Round(time.Second))})
}

// EchoReason returns in words why the peer is degraded, lost or silent; "" if it is not.
func (p *Peer) EchoReason(policy Policy) string {
	m := &p.Worst
	switch p.Echo {
	case EchoLost:
		return unanswered(p.WorstUnanswered, m)
	case EchoSilent:
		return "does not answer echoes, but its health checks"
	case EchoDegraded:
		if m.RTT > policy.DegradedRTT {
			return fmt.Sprintf("rtt %d ms is above %s for %s", m.RTT.Milliseconds(), policy.DegradedRTT, p.BadFor.Round(100*time.Millisecond))
		}
		if m.RTT == 0 && lossOf(m.Echoes) <= policy.DegradedLoss {
			return unanswered(p.WorstUnanswered, m)
		}
		return fmt.Sprintf("%d of its last %d echoes were not answered in time, more than %g %%", m.Sent-m.Received, m.Sent, 100*policy.DegradedLoss)
	}
	return ""
}

// unanswered returns "no answer in 3 rounds: timed out".
func unanswered(rounds uint32, r *mesh.RTTSample) string {
	text := fmt.Sprintf("no answer in %d rounds", rounds)
	if rounds == 1 {
		text = "no answer in a round"
	}
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	return text
}

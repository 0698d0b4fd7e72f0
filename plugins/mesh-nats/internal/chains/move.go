package chains

import (
	"fmt"
	"slices"
	"time"
)

type phase uint8

const (
	looking phase = iota
	asking
	watching
	cancelling // about to ask for it
	undoing    // asked, and looking what became of it
	ended
)

// Move is a change under way. It is not safe for concurrent use.
type Move struct {
	Change
	// Patience is how long a change may stand still; 0: for ever.
	Patience time.Duration

	phase    phase
	next     time.Time
	began    time.Time
	recorded bool      // the engine took the change, or may have
	asked    time.Time // when the last request whose answer was lost went out
	seen     bool      // the change was seen under way
	watched  time.Time // since when it is watched
	moved    time.Time // when it advanced last
	lag      uint64
	copied   uint64    // bytes that the target has, as it says
	saw      string    // what the engine said it waited for
	led      time.Time // when a leader answered last
	last     Info
	reason   string    // why it is cancelled
	unwanted time.Time // since when
	undone   time.Time // when that was asked for last
	refused  Answer    // what came of it
	err      error
}

// New returns a change that begins now.
func New(c Change, patience time.Duration, now time.Time) *Move {
	return &Move{Change: c, Patience: patience, next: now, began: now, led: now, moved: now}
}

// Err returns why the change has ended without being done, or nil.
func (m *Move) Err() error { return m.err }

// Last returns how the stream was when its leader answered last.
func (m *Move) Last() Info { return m.last }

// Lag returns how many entries the targets lack, as far as is known.
func (m *Move) Lag() uint64 { return m.last.lag(m.Targets) }

// Stage is how far a change is.
type Stage uint8

// The stages of a change.
const (
	Waiting   Stage = iota // for the engine to take it
	Copying                // to the targets
	Finishing              // the targets have all, and whoever leaves has not left
	Undoing                // it is taken back
)

// Stage returns how far the change is.
func (m *Move) Stage() Stage {
	switch {
	case m.phase == cancelling || m.phase == undoing:
		return Undoing
	case m.phase != watching:
		return Waiting
	case slices.ContainsFunc(m.Targets, func(t string) bool { return !m.last.ready(t) }):
		return Copying
	}
	return Finishing
}

// Copied takes how many bytes the target has, as it says itself: the engine does not tell how far
// it is with what it copies first. It is called like Cancel.
func (m *Move) Copied(now time.Time, bytes uint64) {
	if bytes != m.copied {
		m.copied, m.moved = bytes, now
	}
}

// Next returns what to do next.
func (m *Move) Next() Step {
	switch m.phase {
	case ended:
		return Step{End: true}
	case asking:
		return Step{Ask: m.request(), At: m.next}
	case cancelling:
		return Step{Ask: m.undoing(), At: m.next}
	}
	return Step{Ask: AskInfo, At: m.next}
}

func (m *Move) request() Ask {
	switch m.Kind {
	case Create:
		return AskCreate
	case Grow, Shrink:
		return AskReplicas
	case Swap:
		return AskEvacuate
	case Replace:
		return AskRemove
	case Adopt:
		return AskPlacement
	}
	return AskStepDown
}

func (m *Move) end(err error) { m.phase, m.err = ended, err }

// Missing takes that there is no such stream.
func (m *Move) Missing(now time.Time) {
	switch {
	case m.phase == ended:
	case m.Kind == Create && m.phase == looking && now.Sub(m.asked) > settleWithin:
		m.phase, m.next = asking, now
	case m.Kind == Create:
		m.again(now)
	default:
		m.end(&RefusedError{Stream: m.Stream, Reason: "there is no such stream"})
	}
}

// Silent takes that nobody said in time how the stream is: it has no leader, or this server is
// cut off.
func (m *Move) Silent(now time.Time) { m.leaderless(now) }

func (m *Move) leaderless(now time.Time) {
	switch {
	case m.phase == ended:
	case m.phase == looking && m.Kind == Replace && !m.recorded:
		m.phase, m.next = asking, now
	case now.Sub(m.led) <= LeaderWithin || m.recorded && m.Kind == Replace && now.Sub(m.began) <= TagWithin:
		m.again(now)
	default:
		m.end(&LeaderlessError{m.Stream})
	}
}

func (m *Move) again(now time.Time) { m.next = now.Add(LookEvery) }

// Heard takes how the stream is.
func (m *Move) Heard(now time.Time, i Info) {
	if m.phase == ended {
		return
	}
	if i.Leader == "" {
		m.leaderless(now)
		return
	}
	m.led, m.last = now, i
	switch {
	case m.phase != undoing && m.phase != cancelling && m.reached(i):
		m.end(nil)
	case m.phase == undoing:
		m.undo(now, i)
	case m.needsLeader() && i.Leader != m.Self:
		m.end(&ElsewhereError{m.Stream, i.Leader})
	case m.phase == looking:
		m.look(now, i)
	case m.phase == watching:
		m.watch(now, i)
	}
}

// look decides what to do about a stream before the engine is asked, or after its answer was
// lost.
func (m *Move) look(now time.Time, i Info) {
	switch {
	case m.underWay(i):
		if m.Kind == Follow {
			m.Targets, m.Victim = i.coming(), i.going()
		}
		m.watchFrom(now)
		m.watch(now, i)
	case i.Changing && len(i.Desired) == 0 && !m.recorded:
		m.again(now) // the leader says what it waits for before there is something it wants
	case i.Changing:
		m.end(&BusyError{m.Stream, slices.Clone(i.Desired)})
	case m.recorded && now.Sub(m.asked) <= settleWithin:
		m.again(now)
	default:
		if reason := m.unfit(i); reason != "" {
			m.end(&RefusedError{Stream: m.Stream, Reason: reason})
			return
		}
		m.phase, m.next = asking, now
	}
}

// unfit returns why the change does not fit a stream that nothing is changing, or "".
func (m *Move) unfit(i Info) string {
	switch m.Kind {
	case Create:
		return "it exists, on " + fmt.Sprint(i.names())
	case Grow:
		if i.Replicas >= m.Replicas {
			return fmt.Sprintf("%d hold it already", i.Replicas)
		}
	case Shrink:
		if i.Replicas <= m.Replicas {
			return fmt.Sprintf("only %d hold it", i.Replicas)
		}
	case Swap, Replace:
		switch _, holds := i.peer(m.Victim); {
		case !holds:
			return m.Victim + " does not hold it"
		case i.Holds(m.Targets[0]):
			return m.Targets[0] + " holds it already"
		}
	case Adopt:
		for _, t := range m.Targets {
			if !i.ready(t) {
				return t + " does not have all of it now"
			}
		}
		if !m.isHeldByTargets(i) {
			return fmt.Sprintf("%v hold it by now", i.names())
		}
	case Handover:
		switch p, holds := i.peer(m.Targets[0]); {
		case !holds || p.Pending:
			return m.Targets[0] + " does not hold it"
		case !p.Current || p.Offline || p.Active >= activeBefore:
			return m.Targets[0] + " does not have all of it now"
		}
	case Follow:
		return "nothing is under way"
	}
	return ""
}

// Answered takes what came of the request that Next named last.
func (m *Move) Answered(now time.Time, a Answer) {
	switch m.phase {
	case asking:
		m.answered(now, a)
	case cancelling:
		m.phase, m.undone, m.refused = undoing, now, a
		m.next = now.Add(tagEvery)
	}
}

func (m *Move) answered(now time.Time, a Answer) {
	switch {
	case a.Lost:
		m.recorded, m.asked = true, now
		m.phase = looking
		m.again(now)
	case a.Code == 0:
		m.recorded = true
		m.watchFrom(now)
		m.next = now.Add(tagEvery)
	case m.tagged() && (a.Code == CodeNoPeers || a.Code == CodeNoRemap || a.Code == CodeUnavailable):
		if now.Sub(m.began) > TagWithin {
			m.end(&RefusedError{m.Stream, a.Code, a.Text})
			return
		}
		m.next = now.Add(tagEvery)
		if m.needsLeader() && now.Sub(m.led) >= LookEvery {
			m.phase = looking // somebody else may lead by now
		}
	case a.Code == CodeBusy || a.Code == CodeChanging:
		m.phase = looking
		m.again(now)
	case a.Code == CodeExists && m.recorded:
		m.phase = looking
		m.again(now)
	default:
		m.end(&RefusedError{m.Stream, a.Code, a.Text})
	}
}

// tagged reports whether the change depends on the tag of a target.
func (m *Move) tagged() bool {
	return m.Kind == Create || m.Kind == Adopt || m.Kind == Grow || m.Kind == Swap || m.Kind == Replace
}

package chains

import (
	"fmt"
	"slices"
	"time"
)

// Ask is what to ask the engine.
type Ask uint8

// What may be asked.
const (
	Nothing Ask = iota
	AskInfo
	AskCreate
	AskReplicas // that Change.Replicas hold it
	AskEvacuate // Change.Victim
	AskRemove   // Change.Victim
	AskStepDown // in favour of Change.Targets[0]
	AskCancel   // what is under way
	AskBack     // evacuate Targets[0], so that Victim stays: it bears the tag
)

// Step is what to do next.
type Step struct {
	Ask Ask
	At  time.Time // when; not before
	End bool      // the change has ended: Move.Err says how
}

// Answer is what came of a request that changes something.
type Answer struct {
	Lost bool // no answer came in time: it may be carried out all the same
	Code int  // 0: it was taken
	Text string
}

// The codes that mean something here.
const (
	CodeNoPeers     = 10005 // no server bears the tag, or not enough: as far as is known there
	CodeUnavailable = 10008 // the cluster has no leader
	CodeBusy        = 10124
	CodeChanging    = 10226
	CodeNoRemap     = 10075 // like CodeNoPeers
	CodeNothing     = 10129 // nothing to cancel
	CodeExists      = 10058
)

// Limits of a change.
const (
	LookEvery    = 500 * time.Millisecond
	SilentAfter  = 1500 * time.Millisecond // a target that was not heard of for so long has fallen silent
	tagEvery     = 100 * time.Millisecond  // a tag counts after 0.02 to 0.7 s
	TagWithin    = 20 * time.Second
	LeaderWithin = 15 * time.Second // elections take up to 9 s
	joinWithin   = 5 * time.Second  // a target that is to be a holder is named by the leader
	undoWithin   = time.Minute
	settleWithin = 2 * time.Second // what was recorded is seen by the leader
	activeBefore = 2 * time.Second // who is to lead was heard of that lately
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
	}
	return AskStepDown
}

// undoing returns how to take the change back.
func (m *Move) undoing() Ask {
	if m.last.Revertible || m.Victim == "" || len(m.Targets) == 0 {
		return AskCancel
	}
	return AskBack
}

// Cancel takes the change back, unless it is done before the engine hears of it. It is not called
// between Next and what came of it.
func (m *Move) Cancel(now time.Time, reason string) {
	switch {
	case m.phase == ended || m.reason != "":
	case m.Kind == Handover && m.recorded: // there is nothing to take back, and it is soon over
	case !m.recorded:
		m.end(&CancelledError{m.Stream, reason})
	default:
		m.cancel(now, reason)
	}
}

func (m *Move) cancel(now time.Time, reason string) {
	m.reason, m.phase, m.next, m.unwanted = reason, cancelling, now, now
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
	return m.Kind == Create || m.Kind == Grow || m.Kind == Swap || m.Kind == Replace
}

func (m *Move) watchFrom(now time.Time) {
	m.phase, m.watched, m.moved, m.recorded = watching, now, now, true
}

// watch watches a change under way.
func (m *Move) watch(now time.Time, i Info) {
	m.again(now)
	lag := i.lag(m.Targets)
	if lag != m.lag || i.Phase != m.saw || i.Changing != m.seen {
		m.moved = now
	}
	m.lag, m.saw = lag, i.Phase
	m.seen = m.seen || i.Changing
	if m.Kind == Handover {
		if now.Sub(m.watched) > LeaderWithin {
			m.end(&RefusedError{Stream: m.Stream, Reason: m.Targets[0] + " does not lead it although it was asked to"})
		}
		return
	}
	silent := m.fallenSilent(now, i)
	switch {
	case silent != "" && i.Changing:
		m.cancel(now, silent+" has fallen silent")
	case silent != "" && m.seen && !i.Changing && i.Holds(silent):
		m.end(&AddedDeadError{m.Stream, silent})
	case m.Patience > 0 && now.Sub(m.moved) > m.Patience && m.reason == "":
		m.cancel(now, fmt.Sprintf("it stood still for %s", m.Patience))
	case !i.Changing && m.seen && !m.holdAll(i):
		m.end(&CancelledError{m.Stream, m.cancelReason()})
	case !i.Changing && !m.seen && now.Sub(m.watched) > LeaderWithin && !m.holdAll(i):
		m.end(&RefusedError{Stream: m.Stream, Reason: "the engine took the change and does nothing about it"})
	}
}

func (m *Move) cancelReason() string {
	if m.reason != "" {
		return m.reason
	}
	return "somebody else took it back"
}

// fallenSilent returns a target that was not heard of for too long, or "".
func (m *Move) fallenSilent(now time.Time, i Info) string {
	for _, t := range m.Targets {
		if t == i.Leader {
			continue
		}
		p, known := i.peer(t)
		switch {
		case known && (p.Offline || p.Active > SilentAfter) && now.Sub(m.watched) > SilentAfter:
			return t
		case !known && i.Changing && now.Sub(m.watched) > joinWithin && i.wants(t) && m.Kind != Create:
			return t
		}
	}
	return ""
}

// holdAll reports whether all targets hold the stream.
func (m *Move) holdAll(i Info) bool {
	for _, t := range m.Targets {
		if !i.Holds(t) {
			return false
		}
	}
	return m.Kind != Shrink || i.Replicas == m.Replicas
}

// undo looks what became of a change that was to be taken back. It may have been done before the
// engine heard of that.
func (m *Move) undo(now time.Time, i Info) {
	m.again(now)
	switch {
	case i.Changing && !m.wanted(i) && now.Sub(m.unwanted) > undoWithin:
		m.end(&BusyError{m.Stream, slices.Clone(i.Desired)})
	case i.Changing && !m.wanted(i): // it goes back
	case i.Changing && now.Sub(m.unwanted) > TagWithin:
		m.end(&RefusedError{m.Stream, m.refused.Code, fmt.Sprintf("%s, and it can't be taken back: %s", m.reason, m.refused.Text)})
	case i.Changing && m.refused.Code != 0 || i.Changing && now.Sub(m.undone) > settleWithin:
		m.phase, m.next = cancelling, now.Add(tagEvery)
	case i.Changing:
	case m.reached(i):
		m.end(nil)
	case m.added(i) != "":
		if p, _ := i.peer(m.added(i)); p.Offline || p.Active > SilentAfter {
			m.end(&AddedDeadError{m.Stream, p.Name})
		}
	default:
		m.end(&CancelledError{m.Stream, m.reason})
	}
}

// wanted reports whether what is under way still leads to a target.
func (m *Move) wanted(i Info) bool { return slices.ContainsFunc(m.Targets, i.wants) }

// added returns a target that holds the stream and is not ready, or "".
func (m *Move) added(i Info) string {
	for _, t := range m.Targets {
		if i.Holds(t) && !i.ready(t) {
			return t
		}
	}
	return ""
}

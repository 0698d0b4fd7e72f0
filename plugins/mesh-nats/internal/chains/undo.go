package chains

import (
	"fmt"
	"slices"
	"time"
)

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

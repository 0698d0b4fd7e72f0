package chains

import (
	"fmt"
	"time"
)

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
	case i.Changing && m.strays(i):
		m.cancel(now, fmt.Sprintf("the engine would move it to %v", i.Desired))
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

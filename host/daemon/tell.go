package daemon

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
)

const (
	firstRetry = 50 * time.Millisecond
	maxRetry   = 2 * time.Second
)

// tell brings the start or the end of a daemon to the loop. Nothing decided
// without it would be right, so it waits for room and tries again until the
// Manager is closed; then it tries once.
func (m *Manager) tell(ev mesh.Event) {
	for retry := firstRetry; ; retry = min(2*retry, maxRetry) {
		closing := m.isClosing()
		err := m.opts.Events.Publish(m.ctx, ev)
		if err == nil {
			return
		}
		if closing {
			m.counters.lost.Add(1)
			m.opts.Log.Debug("the loop did not hear of a daemon any more", "event", ev, "error", err)
			return
		}
		m.opts.Log.Warn("an event of a daemon was not taken; it is tried again", "event", ev, "error", err)
		timer := time.NewTimer(retry)
		select {
		case <-timer.C:
		case <-m.closing:
		}
		timer.Stop()
	}
}

func (m *Manager) isClosing() bool {
	select {
	case <-m.closing:
		return true
	default:
		return false
	}
}

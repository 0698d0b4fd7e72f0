package daemon

import (
	"errors"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

const (
	firstRetry = 50 * time.Millisecond
	maxRetry   = 2 * time.Second
)

// tell brings an event of a daemon to the loop. Nothing decided without it would be
// right, so it waits for room and tries again until the Manager is closed or nobody
// hears. False says that the loop did not take it; whoever manages the daemon next
// tells it then.
func (m *Manager) tell(ev mesh.Event) bool {
	for retry := firstRetry; ; retry = min(2*retry, maxRetry) {
		err := m.opts.Events.Publish(m.ctx, ev)
		if err == nil {
			return true
		}
		if m.ctx.Err() != nil || errors.Is(err, ErrUnheard) {
			m.opts.Log.Debug("the loop did not hear of a daemon any more", "event", ev, "error", err)
			return false
		}
		m.opts.Log.Warn("an event of a daemon was not taken; it is tried again", "event", ev, "error", err)
		timer := time.NewTimer(retry)
		select {
		case <-timer.C:
		case <-m.ctx.Done():
		}
		timer.Stop()
	}
}

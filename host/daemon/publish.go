package daemon

import (
	"errors"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/backoff"
)

// publish brings an event of a daemon to the loop. What the loop decides without it would be
// wrong, so publish waits while the loop's queue is full, and tries again until the Manager
// is closed or the loop has ended. It reports whether the loop took the event; if not, the
// next Manager on the same Dir publishes it.
func (m *Manager) publish(ev mesh.Event) bool {
	retry := backoff.Doubling{First: 50 * time.Millisecond, Max: 2 * time.Second}
	for failures := 1; ; failures++ {
		err := m.opts.Events.Publish(m.ctx, ev)
		if err == nil {
			return true
		}
		if m.ctx.Err() != nil || errors.Is(err, ErrEventsClosed) {
			m.opts.Log.Debug("the loop took no more events of a daemon", "event", ev, "error", err)
			return false
		}
		m.opts.Log.Warn("the loop did not take an event of a daemon; it is published again", "event", ev, "error", err)
		timer := time.NewTimer(retry.After(failures))
		select {
		case <-timer.C:
		case <-m.ctx.Done():
		}
		timer.Stop()
	}
}

package host

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notifier speaks sd_notify; outside of systemd it says nothing.
type notifier struct {
	log    *slog.Logger
	failed string // the last error that was told; "" when it was heard the last time
}

func (n *notifier) say(state string) {
	_, err := daemon.SdNotify(false, state)
	if err == nil {
		n.failed = ""
		return
	}
	if n.failed != err.Error() {
		n.failed = err.Error()
		n.log.Warn("service manager not notified", "state", state, "error", err)
	}
}

// watch says READY after the first tick, and keeps the watchdog content while
// ticks are fresh, until ctx ends: a loop that stands still is restarted.
func (n *notifier) watch(ctx context.Context, lastTick func() time.Time, stale time.Duration) {
	every := time.Second
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		n.log.Warn("service manager's watchdog is not served", "error", err)
	}
	if watchdog > 0 {
		every = min(every, watchdog/3)
	}
	tick := time.NewTicker(min(every, 100*time.Millisecond)) // until it is ready
	defer tick.Stop()
	ready := false
	for {
		select {
		case <-ctx.Done():
			n.say(daemon.SdNotifyStopping)
			return
		case now := <-tick.C:
			last := lastTick()
			if last.IsZero() {
				continue
			}
			if !ready {
				ready = true
				tick.Reset(every)
				n.say(daemon.SdNotifyReady)
			}
			if watchdog > 0 && now.Sub(last) < stale {
				n.say(daemon.SdNotifyWatchdog)
			}
		}
	}
}

// Package sdnotify tells the service manager (systemd) how the node is: that it is
// ready, that its loop still ticks, that it ends.
//
// Outside of a service manager it does nothing.
package sdnotify

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notifier sends the node's state to the service manager.
type Notifier struct {
	log    *slog.Logger
	failed string // the error that was logged last; "" after a success
}

// New returns a notifier that logs once when the service manager can't be reached.
func New(log *slog.Logger) *Notifier { return &Notifier{log: log} }

// send sends one state.
func (n *Notifier) send(state string) {
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

// Run sends READY after the first tick, and then keeps the service manager's watchdog
// from acting as long as the last tick is younger than stale, so that a node whose
// loop stands still is restarted. When ctx ends it sends STOPPING and returns.
func (n *Notifier) Run(ctx context.Context, lastTick func() time.Time, stale time.Duration) {
	every := time.Second
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		n.log.Warn("the service manager's watchdog is not served", "error", err)
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
			n.send(daemon.SdNotifyStopping)
			return
		case now := <-tick.C:
			last := lastTick()
			if last.IsZero() {
				continue
			}
			if !ready {
				ready = true
				tick.Reset(every)
				n.send(daemon.SdNotifyReady)
			}
			if watchdog > 0 && now.Sub(last) < stale {
				n.send(daemon.SdNotifyWatchdog)
			}
		}
	}
}

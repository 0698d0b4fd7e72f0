// Package sdnotify tells the service manager (systemd) how the node is: that it is
// ready, in a sentence how it does, that its loop still ticks, that it reads its
// configuration again, that it ends.
//
// Outside of a service manager it does nothing.
package sdnotify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// statusEvery is how often the sentence is made at most.
const statusEvery = 5 * time.Second

// Node is what a Notifier asks about a node.
type Node struct {
	// LastTick returns when the loop ticked last; the zero time before the first one.
	LastTick func() time.Time
	// Stale is how old the last tick may be before the loop counts as standing still.
	Stale time.Duration
	// Status says in a sentence how the node is; nil for no sentence.
	Status func() string
}

// Notifier sends the node's state to the service manager. Its methods may be called from
// any goroutine.
type Notifier struct {
	log *slog.Logger

	mu     sync.Mutex
	failed string // the error that was logged last; "" after a success
	ready  bool   // it was said that the node is
	note   string // what the status begins with; may be empty
	status string // that was sent last
}

// New returns a notifier that logs once when the service manager can't be reached.
func New(log *slog.Logger) *Notifier { return &Notifier{log: log} }

// Run sends READY after the first tick, and then keeps the service manager's watchdog
// from acting as long as the last tick is fresh, so that a node whose loop stands still is
// restarted. It sends the sentence when it changes. When ctx ends it sends STOPPING and
// returns.
func (n *Notifier) Run(ctx context.Context, node Node) {
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
	ready, said := false, time.Time{}
	for {
		select {
		case <-ctx.Done():
			n.send(daemon.SdNotifyStopping, statusLine("Ending"))
			return
		case now := <-tick.C:
			last := node.LastTick()
			if last.IsZero() {
				continue
			}
			if !ready {
				ready, said = true, now
				tick.Reset(every)
				n.becomeReady(node.sentence())
			}
			if watchdog > 0 && now.Sub(last) < node.Stale {
				n.send(daemon.SdNotifyWatchdog)
			}
			if now.Sub(said) >= statusEvery {
				said = now
				n.say(node.sentence())
			}
		}
	}
}

// sentence returns the status; "" outside of a service manager, where nobody would read it.
func (n Node) sentence() string {
	if n.Status == nil || !listened() {
		return ""
	}
	return n.Status()
}

func (n *Notifier) becomeReady(status string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ready, n.status = true, status
	n.sendLocked(daemon.SdNotifyReady, statusLine(n.noted(status)))
}

// say sends the sentence if it is another one than before.
func (n *Notifier) say(status string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if status != "" && status != n.status {
		n.status = status
		n.sendLocked(statusLine(n.noted(status)))
	}
}

// Reloading says that the configuration is read again.
func (n *Notifier) Reloading() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.ready { // READY, which ends a reload, would come too early
		return
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		n.log.Warn("service manager not notified", "state", daemon.SdNotifyReloading, "error", err)
		return
	}
	n.sendLocked(daemon.SdNotifyReloading, fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000), statusLine("Reading the configuration again"))
}

// Reloaded says that the node is as before, or has another configuration. note is what
// people should know of the reload, as long as it is the last one; it may be empty.
func (n *Notifier) Reloaded(note string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.note = note
	if n.ready {
		n.sendLocked(daemon.SdNotifyReady, statusLine(n.noted(n.status)))
	}
}

// noted returns the status after the note.
func (n *Notifier) noted(status string) string {
	return strings.TrimSpace(n.note + " " + status)
}

// statusLine returns the assignment of a status, which is one line.
func statusLine(status string) string {
	return "STATUS=" + strings.Join(strings.Fields(status), " ")
}

func (n *Notifier) send(state ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sendLocked(state...)
}

// sendLocked sends assignments in one message.
func (n *Notifier) sendLocked(state ...string) {
	err := notify(strings.Join(state, "\n"))
	if err == nil {
		n.failed = ""
		return
	}
	if n.failed != err.Error() {
		n.failed = err.Error()
		n.log.Warn("service manager not notified", "state", state[0], "error", err)
	}
}

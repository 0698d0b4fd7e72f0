package executor

import (
	"log/slog"
	"time"
)

// pressureNotifier calls Options.Backpressure in a goroutine of its own, so that
// nothing waits for that function.
type pressureNotifier struct {
	call    func(on bool, level float64)
	log     *slog.Logger
	changes chan pressureChange // holds one that call was not called with yet
	done    chan struct{}
}

type pressureChange struct {
	on    bool
	level float64
}

// newPressureNotifier starts a notifier; stop stops it. It returns nil, which is valid,
// if there is no function to call.
func newPressureNotifier(o Options) *pressureNotifier {
	if o.Backpressure == nil {
		return nil
	}
	n := &pressureNotifier{
		call: o.Backpressure, log: o.Log,
		changes: make(chan pressureChange, 1), done: make(chan struct{}),
	}
	go n.run()
	return n
}

func (n *pressureNotifier) run() {
	defer close(n.done)
	for c := range n.changes {
		callHook(n.log, "the listener to backpressure", func() { n.call(c.on, c.level) })
	}
}

// notify passes a change on and does not wait. Changes alternate between on and off, so
// if the one before was not taken yet, the two cancel out.
func (n *pressureNotifier) notify(c pressureChange) {
	if n == nil {
		return
	}
	select {
	case <-n.changes:
	default:
		n.changes <- c // never blocks, since nobody else sends
	}
}

// stop waits until every change was passed on, at most for limit, and reports whether
// it was.
func (n *pressureNotifier) stop(limit time.Duration) bool {
	if n == nil {
		return true
	}
	close(n.changes)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-n.done:
		return true
	case <-timer.C:
		return false
	}
}

package executor

import (
	"log/slog"
	"runtime/debug"
	"time"
)

// herald tells of changes of backpressure in a goroutine of its own, so that
// whoever listens holds up nothing.
type herald struct {
	tell  func(on bool, level float64)
	log   *slog.Logger
	edges chan pressed // holds the one change not yet told
	done  chan struct{}
}

type pressed struct {
	on    bool
	level float64
}

// newHerald starts a herald; end ends it. It is nil if nobody listens.
func newHerald(o Options) *herald {
	if o.Backpressure == nil {
		return nil
	}
	h := &herald{tell: o.Backpressure, log: o.Log, edges: make(chan pressed, 1), done: make(chan struct{})}
	go h.run()
	return h
}

func (h *herald) run() {
	defer close(h.done)
	for e := range h.edges {
		guard(h.log, "the listener to backpressure", func() { h.tell(e.on, e.level) })
	}
}

// say tells of a change and does not wait. Changes alternate, so that one which
// nobody took yet and this one cancel out.
func (h *herald) say(e pressed) {
	if h == nil {
		return
	}
	select {
	case <-h.edges:
	default:
		h.edges <- e // there is room, since nobody else sends
	}
}

// end waits until everything is told, at most for limit, and says whether it is.
func (h *herald) end(limit time.Duration) bool {
	if h == nil {
		return true
	}
	close(h.edges)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-h.done:
		return true
	case <-timer.C:
		return false
	}
}

// guard makes a panic of somebody else's function one line in the log.
func guard(log *slog.Logger, whose string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			log.Error(whose+" panicked", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	f()
}

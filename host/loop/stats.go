package loop

import (
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/snapshot"
)

// counters are written by the loop's goroutine and may be read by any.
type counters struct {
	events   atomic.Uint64
	ticks    atomic.Uint64 // regular ones
	early    atomic.Uint64
	emitted  atomic.Uint64
	dropped  atomic.Uint64
	missed   atomic.Uint64
	took     atomic.Int64
	lastTick atomic.Pointer[time.Time]
}

// stats returns the fields that the loop knows; the others stay zero, for Decorate.
func (c *counters) stats() snapshot.Stats {
	return snapshot.Stats{
		EventsApplied:  c.events.Load(),
		Ticks:          c.ticks.Load(),
		EarlyTicks:     c.early.Load(),
		ActionsEmitted: c.emitted.Load(),
		ActionsDropped: c.dropped.Load(),
		MissedMarks:    c.missed.Load(),
		LastTickTook:   time.Duration(c.took.Load()),
	}
}

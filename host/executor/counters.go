package executor

import "sync/atomic"

// Counters count since the executor began; each grows only. They are read one by
// one, not as a consistent set.
type Counters struct {
	Dispatched  uint64 // actions that were carried out
	Failed      uint64 // actions that ended in failure, for whatever reason
	Undelivered uint64 // outcomes that nobody took any more
	Waiting     uint64 // actions taken from the queue that wait for their turn, now
}

type counters struct{ dispatched, failed, undelivered, waiting atomic.Uint64 }

// Counters reads the counters. It may be called at any time.
func (e *Executor) Counters() Counters {
	return Counters{
		Dispatched:  e.counters.dispatched.Load(),
		Failed:      e.counters.failed.Load(),
		Undelivered: e.counters.undelivered.Load(),
		Waiting:     e.counters.waiting.Load(),
	}
}

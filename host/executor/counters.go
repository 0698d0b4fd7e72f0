package executor

import "sync/atomic"

// Counters count since the executor was made; all but Waiting only grow. They are read
// one by one, not as a consistent set. Every action is counted once in Dispatched,
// Failed, Gated or Withdrawn when it ends.
type Counters struct {
	Dispatched uint64 // carried out
	Failed     uint64 // failed, for whatever reason
	Gated      uint64 // not begun because a gate was closed
	Withdrawn  uint64 // not begun because its reason was gone, or a newer one of its key came

	Deferred             uint64 // times that admission deferred an action
	DispatchRetries      uint64 // times that a dispatcher wanted an action tried again later
	BackpressureAsserts  uint64 // times that backpressure went on
	BackpressureReleases uint64 // times that it went off
	Undelivered          uint64 // final outcomes that were not taken

	Waiting uint64 // actions that were taken from the queue and wait now
}

type counters struct {
	dispatched, failed, gated, withdrawn atomic.Uint64
	deferred, retries                    atomic.Uint64
	asserts, releases                    atomic.Uint64
	undelivered, waiting                 atomic.Uint64
}

// Counters returns the counters. It is safe for concurrent use.
func (e *Executor) Counters() Counters {
	c := &e.counters
	return Counters{
		Dispatched:           c.dispatched.Load(),
		Failed:               c.failed.Load(),
		Gated:                c.gated.Load(),
		Withdrawn:            c.withdrawn.Load(),
		Deferred:             c.deferred.Load(),
		DispatchRetries:      c.retries.Load(),
		BackpressureAsserts:  c.asserts.Load(),
		BackpressureReleases: c.releases.Load(),
		Undelivered:          c.undelivered.Load(),
		Waiting:              c.waiting.Load(),
	}
}

package scoring

import (
	"time"

	"github.com/meshos/meshos/internal/backoff"
)

// schedule decides when the scorer is asked. It is consulted once per snapshot, so the
// scorer is asked at most once per tick.
type schedule struct {
	interval time.Duration // all chains are scored once per interval
	tick     time.Duration // between two calls, and the first pause after a failure

	asked    bool
	last     time.Time // when the last call ended
	failures int       // in a row
}

// due reports whether the scorer is to be asked now. Ticks don't come to the
// microsecond, so what is due within half a tick is due.
func (s *schedule) due(now time.Time, urgent bool) bool {
	switch since := now.Sub(s.last) + s.tick/2; {
	case !s.asked:
		return true
	case s.failures > 0:
		return since >= s.pause()
	case urgent:
		return since >= s.tick
	default:
		return since >= s.interval
	}
}

// allDue reports whether everything is to be scored: the scorer would be asked now even
// if nothing had changed.
func (s *schedule) allDue(now time.Time) bool { return s.due(now, false) }

// pause returns how long a scorer that failed is not asked: a tick, doubling up to the
// interval.
func (s *schedule) pause() time.Duration {
	return backoff.Doubling{First: s.tick, Max: max(s.interval, s.tick)}.After(s.failures)
}

// answered and failed note how a call ended.
func (s *schedule) answered(now time.Time) { s.asked, s.last, s.failures = true, now, 0 }

func (s *schedule) failed(now time.Time) { s.asked, s.last, s.failures = true, now, s.failures+1 }

// restart forgets everything: there is another scorer, or another process of it.
func (s *schedule) restart() { s.asked, s.failures = false, 0 }

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
	random   func() float64

	asked    bool
	last     time.Time // when the last call ended
	rest     time.Duration
	failures int           // in a row
	pause    time.Duration // after the last of them
}

const (
	// longestPause is how many intervals a scorer that fails is left alone at most.
	longestPause = 10
	// restPerChain is how long the scorer is left alone, for each chain that it has scored:
	// a second for 100,000. Of many chains there is always one that changes.
	restPerChain = 10 * time.Microsecond
)

// due reports whether the scorer is to be asked now. Ticks don't come to the
// microsecond, so what is due within half a tick is due.
func (s *schedule) due(now time.Time, urgent bool) bool {
	switch since := now.Sub(s.last) + s.tick/2; {
	case !s.asked:
		return true
	case s.failures > 0:
		return since >= s.pause
	case urgent:
		return since >= min(max(s.rest, s.tick), s.interval)
	default:
		return since >= s.interval
	}
}

// allDue reports whether everything is to be scored: the scorer would be asked now even
// if nothing had changed.
func (s *schedule) allDue(now time.Time) bool { return s.due(now, false) }

// answered notes that a call was answered with the scores of a view of so many chains.
func (s *schedule) answered(now time.Time, chains int) {
	s.asked, s.last, s.failures, s.rest = true, now, 0, time.Duration(chains)*restPerChain
}

// failed notes that a call failed. The pause doubles with each failure, from a tick up to
// longestPause intervals, and is between half and all of that.
func (s *schedule) failed(now time.Time) {
	s.asked, s.last, s.failures = true, now, s.failures+1
	s.pause = backoff.Doubling{First: s.tick, Max: max(longestPause*s.interval, s.tick)}.Jittered(s.failures, 0.5+s.random()/2)
}

// restart forgets everything: there is another scorer, or another process of it.
func (s *schedule) restart() { s.asked, s.failures = false, 0 }

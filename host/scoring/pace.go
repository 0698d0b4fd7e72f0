package scoring

import "time"

// pace says when the scorer is asked. It is asked at most once per tick, so a
// caller asks it once per snapshot.
type pace struct {
	interval time.Duration // all chains are scored once per interval
	tick     time.Duration // between two calls, and the first pause after a failure

	asked    bool
	last     time.Time // when the last call ended
	failures int       // in a row
}

// due says whether to ask now. Ticks don't come to the microsecond, so what is due
// within half a tick is due.
func (p *pace) due(now time.Time, urgent bool) bool {
	switch since := now.Sub(p.last) + p.tick/2; {
	case !p.asked:
		return true
	case p.failures > 0:
		return since >= p.pause()
	case urgent:
		return since >= p.tick
	default:
		return since >= p.interval
	}
}

// over says whether the interval is over, so that everything is to be scored.
func (p *pace) over(now time.Time) bool { return p.due(now, false) }

// pause is how long a scorer that failed is left alone: a tick, doubling up to the
// interval.
func (p *pace) pause() time.Duration {
	pause := p.tick
	for range p.failures - 1 {
		if pause >= p.interval {
			break
		}
		pause *= 2
	}
	return min(pause, max(p.interval, p.tick))
}

// answered and failed note how a call ended.
func (p *pace) answered(now time.Time) { p.asked, p.last, p.failures = true, now, 0 }

func (p *pace) failed(now time.Time) { p.asked, p.last, p.failures = true, now, p.failures+1 }

// restart forgets everything: there is another scorer, or another process of it.
func (p *pace) restart() { p.asked, p.failures = false, 0 }

package loop

import "time"

// earlyPause is the least time between the end of a tick and an early one.
const earlyPause = 20 * time.Millisecond

// earlyShare bounds what early ticks cost: after a tick that took some time, an early one comes
// no sooner than earlyShare times as long after it. So all of them together take a tenth of
// the loop's time, however often they are asked for and however large the node is.
const earlyShare = 9

// early decides when there is an early tick: a pass that does not wait for the next regular
// tick. It polls nothing, waits for nothing and does not move the next regular one. It is asked
// for by orders, by ends of actions and by whatever else others wait for (state.PassSoon).
type early struct {
	wanted bool
	from   time.Time // when the next one may be; zero before the first regular tick, which asks the probes
}

// next returns when an early tick is due; asked reports whether there is to be one at all.
func (e *early) next() (at time.Time, asked bool) { return e.from, e.wanted && !e.from.IsZero() }

func (e *early) due(now time.Time) bool {
	at, asked := e.next()
	return asked && !now.Before(at)
}

// passed notes the end of a tick of either kind: it did what an early one was wanted for.
func (e *early) passed(end time.Time, took time.Duration) {
	e.wanted = false
	e.from = end.Add(max(earlyPause, earlyShare*took))
}

// earlyTick runs one pass and publishes the snapshot, with what is folded now.
func (l *Loop) earlyTick() {
	now := time.Now()
	l.passAndPublish(l.stamp(now), now, true)
}

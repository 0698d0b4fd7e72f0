package loop

import "time"

// firstShare is how the extra ticks thin out: the pause before one is at least the time since
// the first tick, divided by it.
const firstShare = 8

// first lets a node that has just started know everything soon. The first tick is due at once
// when Feed.Begin says that all plugins are there. While a probe has not said all that it
// knows, extra ticks follow, at Config.FirstPause and then ever further apart, until they would
// be as rare as the others. They are regular ticks, but ask those probes alone, and leave the
// others when they are.
type first struct {
	pause time.Duration // 0 for no extra ticks
	began time.Time     // when the first tick ended; zero before
	whole time.Time     // when the next tick is due that asks all sources
	extra bool          // the next tick, or the one under way, is an extra one
}

// after returns when the next tick is due after one that ended; waiting is whether a probe has
// not said all that it knows.
func (f *first) after(end time.Time, interval time.Duration, waiting bool) time.Time {
	if f.began.IsZero() {
		f.began = end
	}
	if !f.extra {
		f.whole = end.Add(interval)
	}
	pause := max(f.pause, end.Sub(f.began)/firstShare)
	next := end.Add(pause)
	f.extra = f.pause > 0 && waiting && pause < interval && next.Before(f.whole)
	if f.extra {
		return next
	}
	return f.whole
}

// said reports whether a probe needs not be asked again before the next whole tick: it has said
// all that it knows, or it counts its answers as measurements, which extra ones would falsify.
func (a *answer) said(k kind) bool {
	switch {
	case k == recoveryHandler || k == migrationSource:
		return true
	case a.err != "":
		return false
	case k == localityProbe:
		for _, r := range a.rtt.Samples {
			if r.Round == 0 {
				return true
			}
		}
	}
	return a.rtt.Complete || a.health.Complete || a.inventory.Complete || len(a.inventory.Samples) > 0
}

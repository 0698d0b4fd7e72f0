package main

import "time"

// Limits of the pace. Loopback and small send buffers lose bursts, so nothing is sent
// faster than this, even if the process was stalled and is late.
const (
	minGap     = 10 * time.Microsecond // 100,000 echoes a second at most
	quickGap   = 20 * time.Microsecond // the pace of a quick round
	quickRound = 30 * time.Millisecond // its length when there are few targets
	tick       = time.Millisecond      // the shortest sleep between two bursts
	maxBurst   = 128                   // echoes a tick at most
	// group is how many echoes are sent together when few are due: a wake-up costs more
	// than an echo, and so small a burst does no harm.
	group = 8
)

// schedule defines when the echoes of one round are due: total of them, gap apart, the
// first at start, to so many targets in turn.
type schedule struct {
	start   time.Time
	gap     time.Duration
	total   int
	targets int
}

// pace returns the schedule of a round: spread or quick.
type pace func(start time.Time, targets, count int, interval time.Duration) schedule

// spread returns the schedule of a round of count echoes to each target over
// interval.
func spread(start time.Time, targets, count int, interval time.Duration) schedule {
	total := targets * count
	return schedule{start: start, gap: max(interval/time.Duration(max(total, 1)), minGap), total: total, targets: targets}
}

// quick returns the schedule of a round with new targets. It is short, so that they have
// samples soon.
func quick(start time.Time, targets, count int, interval time.Duration) schedule {
	return spread(start, targets, count, interval).hurried(start, 0)
}

// hurried returns a schedule in which the echoes after the first sent ones are due from now
// on, as fast as in a quick round.
func (s schedule) hurried(now time.Time, sent int) schedule {
	s.gap = min(s.gap, max(quickRound/time.Duration(max(s.total, 1)), quickGap))
	s.start = now.Add(-time.Duration(sent) * s.gap)
	return s
}

// due returns how many echoes should have been sent by now.
func (s schedule) due(now time.Time) int {
	if now.Before(s.start) {
		return 0
	}
	return int(min(int64(s.total), 1+int64(now.Sub(s.start)/s.gap)))
}

// wake returns when to continue after sent echoes: when the next few are due, but never two
// to the same target.
func (s schedule) wake(sent int) time.Time {
	together := min(group, s.targets, s.total-sent)
	return s.start.Add(time.Duration(sent+together-1) * s.gap)
}

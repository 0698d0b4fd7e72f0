package main

import "time"

const (
	// stalled is how much later than planned the loop has to wake up for a stall: the
	// process got no CPU time, or was stopped or suspended.
	stalled = 50 * time.Millisecond
	// catchUp is the time that readers then have to read the replies that wait in the
	// sockets.
	catchUp = 50 * time.Millisecond
)

// stall notices that this process did not run for a while. After that nothing may count as
// lost before the waiting replies were read: by their kernel timestamps they came in
// time, and only the process was late.
type stall struct {
	planned time.Time // when the loop wanted to wake up; zero: at no particular time
	until   time.Time // nothing counts as lost before this
}

// woke is called at each wake-up. It returns the time before which nothing may count as
// lost. Such a delay is not followed by another one at once, so that a machine that is
// always late still finds out who does not answer.
func (s *stall) woke(now time.Time) time.Time {
	late := !s.planned.IsZero() && now.Sub(s.planned) > stalled
	s.planned = time.Time{}
	switch {
	case s.until.IsZero() && late:
		s.until = now.Add(catchUp)
	case !now.Before(s.until):
		s.until = time.Time{}
	}
	return s.until
}

// sleep is called with the time at which the loop wants to wake up.
func (s *stall) sleep(until time.Time) { s.planned = until }

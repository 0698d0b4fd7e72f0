package main

import "time"

const (
	// stalled is how much later than planned the loop must wake for this process
	// to have been held up: starved of CPU, stopped, or suspended.
	stalled = 50 * time.Millisecond
	// catchUp is what the readers then get to take in the replies that wait in the
	// sockets.
	catchUp = 50 * time.Millisecond
)

// stall notices that this process was held up. Nothing may count as lost then
// before the waiting replies were read: they came in time, as their kernel
// timestamps will say, only we were late.
type stall struct {
	planned time.Time // when the loop wanted to wake; zero: at no certain time
	until   time.Time // no verdict of loss before this
}

// woke takes the time of a wake-up and returns the time before which nothing may
// count as lost. A hold that is over is never followed by another at once: also a
// machine that is always late must find out who is silent.
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

// sleep takes when the loop wants to wake.
func (s *stall) sleep(until time.Time) { s.planned = until }

// Package backoff computes how long to wait before something that failed is
// tried again.
//
// It is arithmetic on a count of failures: it keeps no state, reads no clock and
// waits for nothing, so that a caller's tests need none of that either. The
// restart gates of daemons are not here: their rules belong to host/state.
package backoff

import (
	"math"
	"time"
)

// Doubling is a pause that doubles from First up to Max.
type Doubling struct{ First, Max time.Duration }

// After returns the pause after so many failures in a row: First after one, twice as
// long after each further one, at most Max. It is 0 when nothing failed.
func (d Doubling) After(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	pause := min(d.First, d.Max)
	for range failures - 1 {
		if pause >= d.Max/2 {
			return d.Max
		}
		pause *= 2
	}
	return pause
}

// Jittered returns a part of After, so that those who failed together do not all try
// again together. Random is from 0 (at once) up to 1 (all of it); more than 1 makes the
// pause longer.
func (d Doubling) Jittered(failures int, random float64) time.Duration {
	pause := d.After(failures)
	part := random * float64(pause)
	switch {
	case random <= 1 && part >= float64(pause): // rounding may lead past the pause
		return pause
	case part >= math.MaxInt64:
		return math.MaxInt64
	}
	return time.Duration(part)
}

package mesh

import (
	"math"
	"time"
)

// Time is a monotonic instant: how long after the start of the process. The
// core decides with it alone, so a step of the wall clock moves no deadline.
type Time time.Duration

// Never is later than every instant that can be reached.
const Never = Time(math.MaxInt64)

// Add gives t+d, saturating at both ends.
func (t Time) Add(d time.Duration) Time {
	sum := t + Time(d)
	switch {
	case d > 0 && sum < t:
		return Time(math.MaxInt64)
	case d < 0 && sum > t:
		return Time(math.MinInt64)
	}
	return sum
}

// Sub gives t-u, saturating at both ends.
func (t Time) Sub(u Time) time.Duration {
	diff := t - u
	switch {
	case u < 0 && diff < t:
		return time.Duration(math.MaxInt64)
	case u > 0 && diff > t:
		return time.Duration(math.MinInt64)
	}
	return time.Duration(diff)
}

// Since gives how long ago u was at t, and 0 for an instant still to come.
func (t Time) Since(u Time) time.Duration { return max(0, t.Sub(u)) }

// Until gives how long it is from t to u, and 0 for an instant that is past.
func (t Time) Until(u Time) time.Duration { return max(0, u.Sub(t)) }

// Stamp is the time at which an input was taken in: At to decide with, Wall only
// for records that carry wall time.
type Stamp struct {
	At   Time
	Wall time.Time
}

package mesh

import (
	"math"
	"time"
)

// Time is a monotonic instant, counted from the start of the process. The core decides
// with it alone, so a step of the wall clock moves no deadline.
type Time time.Duration

// Never is later than every instant that is ever reached.
const Never = Time(math.MaxInt64)

// Add returns t+d, saturating at both ends.
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

// Sub returns t-u, saturating at both ends.
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

// Since returns how long before t the instant u was, and 0 if u is after t.
func (t Time) Since(u Time) time.Duration { return max(0, t.Sub(u)) }

// Until returns how long after t the instant u is, and 0 if u is before t.
func (t Time) Until(u Time) time.Duration { return max(0, u.Sub(t)) }

// Stamp is when an input was taken off the queue. The core decides with At; Wall goes
// into records only.
type Stamp struct {
	At   Time
	Wall time.Time
}

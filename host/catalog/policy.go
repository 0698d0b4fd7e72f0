package catalog

import "time"

// policy holds the times by which a machine decides.
type policy struct {
	first      time.Duration // the longest first backoff
	max        time.Duration // the longest backoff of all
	stable     time.Duration // a run this long forgives what was before
	window     time.Duration // failures older than this don't count
	limit      int           // so many failures within the window mean quarantine
	quarantine time.Duration // until the trial
	hang       time.Duration // lagging for so long means killed
}

// defaultPolicy is that of the design.
func defaultPolicy(hang time.Duration) policy {
	return policy{
		first:      200 * time.Millisecond,
		max:        time.Minute,
		stable:     time.Minute,
		window:     10 * time.Minute,
		limit:      5,
		quarantine: 10 * time.Minute,
		hang:       hang,
	}
}

// backoff is how long to wait after so many failures in a row before this one:
// anything between 0 and a bound that doubles, so that plugins which failed
// together don't start together.
func (p policy) backoff(before int, random float64) time.Duration {
	bound := p.first
	for range before {
		if bound >= p.max/2 {
			bound = p.max
			break
		}
		bound *= 2
	}
	return time.Duration(random * float64(bound))
}

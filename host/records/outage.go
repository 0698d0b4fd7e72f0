package records

import (
	"time"

	"github.com/meshos/meshos/internal/backoff"
)

const (
	firstRetry = 200 * time.Millisecond
	// maxRetry is how long an appender that fails is left alone at most.
	maxRetry = 30 * time.Second
	// maxAway is the same for an appender that is not there: asking costs nothing, and a
	// plugin is back within a second.
	maxAway = time.Second
	// maxWriteRetry is the same for a disk that is full or broken.
	maxWriteRetry = 2 * time.Second

	// reportAfter is how long an outage of an appender lasts before it is reported. A plugin
	// that starts or restarts is not worth a record of its own.
	reportAfter = 5 * time.Second
	// reportEvery is how far apart reports of one sort are at least. Reports are records
	// too: without it an appender that fails every other call would be fed by its own
	// failures.
	reportEvery = time.Minute
)

// outage is a time without success: of an appender, or of the disk of a chain. The zero
// value is none.
type outage struct {
	attempts   int
	since      time.Time
	err        error
	isReported bool      // this outage
	reportedAt time.Time // the last report, also of an earlier outage
}

// failed counts a failed attempt and returns the pause before the next one.
func (o *outage) failed(now time.Time, err error, maxPause time.Duration) (pause time.Duration) {
	if o.attempts == 0 {
		o.since = now
	}
	o.attempts++
	o.err = err
	return backoff.Doubling{First: firstRetry, Max: maxPause}.After(o.attempts)
}

// end ends the outage, and reports whether it had been reported.
func (o *outage) end() (wasReported bool) {
	wasReported = o.isReported
	*o = outage{reportedAt: o.reportedAt}
	return wasReported
}

// active reports whether there is an outage.
func (o *outage) active() bool { return o.attempts > 0 }

// due reports whether the outage has to be reported now, if it lasted for at least a time.
func (o *outage) due(now time.Time, after time.Duration) bool {
	return o.active() && !o.isReported && now.Sub(o.since) >= after &&
		(o.reportedAt.IsZero() || now.Sub(o.reportedAt) >= reportEvery)
}

// reported notes that it was reported.
func (o *outage) reported(now time.Time) { o.isReported, o.reportedAt = true, now }

package records

import "time"

const (
	firstRetry = 200 * time.Millisecond
	maxRetry   = 30 * time.Second
	// maxAway is for an appender that is not there: asking costs nothing, and a
	// plugin is back within a second.
	maxAway = time.Second

	// An outage is reported once it has lasted for this long. A plugin that starts
	// or restarts is not worth a record of its own.
	reportAfter = 5 * time.Second
	// reportEvery is how far apart an appender's reports of one sort are at least.
	// Reports are records too: without it an appender that fails every other call
	// would be fed by its own failures.
	reportEvery = time.Minute
)

// outage is one appender's time without an answer. The zero value is none.
type outage struct {
	attempts int
	since    time.Time
	err      error
	reported bool // this outage
	last     time.Time
}

// failed counts an attempt and says when to try again.
func (o *outage) failed(now time.Time, err error, away bool) (retry time.Duration) {
	if o.attempts == 0 {
		o.since = now
	}
	o.attempts++
	o.err = err
	limit := maxRetry
	if away {
		limit = maxAway
	}
	retry = firstRetry
	for range o.attempts - 1 {
		if retry >= limit {
			break
		}
		retry *= 2
	}
	return min(retry, limit)
}

// over ends the outage, and says whether it was reported.
func (o *outage) over() (wasReported bool) {
	wasReported = o.reported
	*o = outage{last: o.last}
	return wasReported
}

// on says whether there is an outage.
func (o *outage) on() bool { return o.attempts > 0 }

// due says whether to report it now.
func (o *outage) due(now time.Time) bool {
	return o.on() && !o.reported && now.Sub(o.since) >= reportAfter &&
		(o.last.IsZero() || now.Sub(o.last) >= reportEvery)
}

// dueNow says whether to report it now, however short it was.
func (o *outage) dueNow(now time.Time) bool {
	return o.on() && !o.reported && (o.last.IsZero() || now.Sub(o.last) >= reportEvery)
}

// told notes that it was reported.
func (o *outage) told(now time.Time) { o.reported, o.last = true, now }

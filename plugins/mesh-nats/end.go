package main

import "time"

const (
	// doubtAfter is how long the leader says that the log is shorter until it takes no orders.
	doubtAfter = time.Second
	// setBackAfter is how long the leader has to say so until it is believed.
	setBackAfter = 3 * time.Second
	// saidWithin is within which time it has to say so again.
	saidWithin = 4 * seedEvery
)

// logEnd is what a seed knows of where the log ends. The zero value knows nothing. It reads no
// clock.
//
// A log becomes longer, and shorter only if its store was lost. A seed that led before a cut,
// or has not read all of its own store yet, says a lower height, too: for a moment. So a lower
// one is believed only if one seed, as the leader, says so for a while, and nobody a higher one.
type logEnd struct {
	height uint64
	hash   []byte
	at     time.Time // when that was known; zero: it is not known

	doubt struct {
		by    uint64 // the seed that says a lower height; 0: none
		from  uint64 // the height when it began to
		since time.Time
		again time.Time
	}
}

func (e logEnd) known() bool { return !e.at.IsZero() }

// took takes an entry that the log has taken just now.
func (e *logEnd) took(now time.Time, height uint64, hash []byte) {
	if !e.known() || height > e.height {
		e.height, e.hash, e.at = height, hash, now
	}
}

// said takes what a seed that leads the log says of its end, and since when it knew that.
func (e *logEnd) said(now time.Time, by, height uint64, hash []byte, at time.Time) {
	d := &e.doubt
	if e.known() && height < e.height {
		if d.by != by || height >= d.from || now.Sub(d.again) > saidWithin {
			d.by, d.from, d.since = by, e.height, now
		}
		if d.again = now; now.Sub(d.since) < setBackAfter {
			return
		}
	}
	e.height, e.hash, e.at, d.by = height, hash, at, 0
}

// read takes what was read from the store of the log, since a time: nobody has to be believed.
func (e *logEnd) read(now, began time.Time, height uint64, hash []byte) {
	if height >= e.height || e.at.Before(began) {
		e.height, e.hash, e.at = height, hash, now
	}
}

// doubted returns for how long the leader has said that the log is shorter; 0 if it does not.
func (e logEnd) doubted(now time.Time) time.Duration {
	if d := &e.doubt; d.by != 0 && now.Sub(d.again) <= saidWithin {
		return max(1, now.Sub(d.since))
	}
	return 0
}

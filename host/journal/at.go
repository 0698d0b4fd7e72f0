package journal

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// OutsideError means that a journal says nothing of a time.
type OutsideError struct {
	File        string
	At          time.Time
	First, Last time.Time // of its ticks; zero if it has none
}

// Error implements error.
func (e *OutsideError) Error() string {
	if e.First.IsZero() {
		return e.File + " has no tick"
	}
	stamp := func(t time.Time) string { return t.In(e.At.Location()).Format("2006-01-02 15:04:05.000") }
	return fmt.Sprintf("%s goes from %s to %s, and says nothing of %s", e.File, stamp(e.First), stamp(e.Last), stamp(e.At))
}

// TickAt returns the number of the last tick that was not later than a time. The error is an
// *OutsideError if the journal begins later or ends earlier, or one of Open or Reader.Next.
func TickAt(file string, at time.Time) (uint64, error) {
	r, err := Open(file)
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }()
	out := &OutsideError{File: file, At: at}
	for ticks := uint64(0); ; {
		e, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) && out.Last.Equal(at):
			return ticks, nil
		case errors.Is(err, io.EOF):
			return 0, out
		case err != nil:
			return 0, err
		case e.Tick == nil:
			continue
		case e.At.Wall.After(at) && ticks > 0:
			return ticks, nil
		}
		if ticks++; ticks == 1 {
			out.First = e.At.Wall
		}
		if out.Last = e.At.Wall; out.Last.After(at) { // the first tick: the journal begins later
			if out.Last, err = lastTick(r, out.Last); err != nil {
				return 0, err
			}
			return 0, out
		}
	}
}

// lastTick returns when the last tick was that r still returns.
func lastTick(r *Reader, last time.Time) (time.Time, error) {
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return last, nil
		}
		if err != nil {
			return last, err
		}
		if e.Tick != nil {
			last = e.At.Wall
		}
	}
}

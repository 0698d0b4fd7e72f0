package durable

import (
	"errors"
	"io"
	"time"

	"github.com/meshos/meshos/host/records/segment"
)

// After gives the number of the first entry behind a position, which is an epoch and
// a seq in it. Known is false when no record of that epoch is kept: then it is the
// oldest that is.
func (l *Log) After(epoch, seq uint64) (number uint64, known bool, err error) {
	l.mu.Lock()
	files := append([]held(nil), l.held...)
	l.mu.Unlock()
	from, found := uint64(0), false
	for i := len(files) - 1; i >= 0 && (!found || from == 0); i-- {
		runs, err := l.runs(files[i])
		if err != nil {
			return 0, false, err
		}
		for j := len(runs) - 1; j >= 0; j-- {
			if runs[j].Epoch != epoch {
				continue
			}
			number, found = runs[j].Number, true
			if runs[j].First <= seq {
				from = runs[j].Number
				break
			}
		}
	}
	if !found {
		return l.Oldest(), false, nil
	}
	if from == 0 { // all that is kept of the epoch is newer
		return number, true, nil
	}
	r := l.Read(from)
	defer r.Close()
	for {
		e, n, err := r.Next()
		var dropped *DroppedError
		var damaged *segment.DamageError
		switch {
		case errors.Is(err, io.EOF):
			return r.Position(), true, nil
		case errors.As(err, &dropped) || errors.As(err, &damaged):
			continue
		case err != nil:
			return 0, false, err
		case e.Epoch != epoch || e.Seq > seq:
			return n, true, nil
		}
	}
}

// Since gives a number at or shortly before the first entry of a time.
func (l *Log) Since(t time.Time) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.held {
		if !h.newest.Before(t) {
			return h.first
		}
	}
	return l.next
}

// Last gives the epoch and seq of the newest durable entry, and false for none.
func (l *Log) Last() (epoch, seq uint64, ok bool, err error) {
	l.mu.Lock()
	files := append([]held(nil), l.held...)
	l.mu.Unlock()
	for i := len(files) - 1; i >= 0; i-- {
		runs, err := l.runs(files[i])
		if err != nil {
			return 0, 0, false, err
		}
		if n := len(runs); n > 0 {
			return runs[n-1].Epoch, runs[n-1].Last, true, nil
		}
	}
	return 0, 0, false, nil
}

// runs gives the rows of epochs in a file. They are read when asked for: kept in
// memory they would grow with the chain.
func (l *Log) runs(h held) ([]segment.Run, error) {
	if len(h.state.Footer.Runs) > 0 {
		return h.state.Footer.Runs, nil
	}
	if h.end.Offset <= segment.HeaderSize {
		return nil, nil
	}
	f, err := l.opts.FS.Open(nameOf(h.number))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if footer, _, ok := segment.Seal(f, h.end.Offset); ok {
		return footer.Runs, nil
	}
	r, err := segment.NewReader(path(l.opts.FS, h.number), f, h.end.Offset)
	for err == nil {
		_, _, err = r.Next()
	}
	if r == nil {
		return nil, err
	}
	return r.State().Footer.Runs, nil // up to what can be read
}

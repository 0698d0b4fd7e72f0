package durable

import (
	"errors"
	"io"
	"slices"
	"time"

	"github.com/meshos/meshos/host/records/segment"
)

// After returns the number of the first entry behind a position, which is an epoch and a
// seq in it. Known is false when no record of that epoch is kept; the number is then that
// of the oldest entry.
func (l *Log) After(epoch, seq uint64) (number uint64, known bool, err error) {
	l.mu.Lock()
	files := slices.Clone(l.segments)
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
			return r.next, true, nil
		case errors.As(err, &dropped) || errors.As(err, &damaged):
			continue
		case err != nil:
			return 0, false, err
		case e.Epoch != epoch || e.Seq > seq:
			return n, true, nil
		}
	}
}

// Since returns a number at or shortly before the first entry that is not older than t.
func (l *Log) Since(t time.Time) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, seg := range l.segments {
		if !seg.newest.Before(t) {
			return seg.first
		}
	}
	return l.next
}

// runs returns the runs of a file. They are read from it when they are needed: in memory
// they would grow with the chain.
func (l *Log) runs(seg segmentInfo) ([]segment.Run, error) {
	if len(seg.state.Footer.Runs) > 0 {
		return seg.state.Footer.Runs, nil
	}
	if seg.end.Offset <= segment.HeaderSize {
		return nil, nil
	}
	f, err := l.opts.FS.Open(nameOf(seg.number))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if footer, _, ok := segment.ReadFooter(f, seg.end.Offset); ok {
		return footer.Runs, nil
	}
	r, err := segment.NewReader(path(l.opts.FS, seg.number), f, seg.end.Offset)
	for err == nil {
		_, _, err = r.Next()
	}
	if r == nil {
		return nil, err
	}
	return r.State().Footer.Runs, nil // as far as the file can be read
}

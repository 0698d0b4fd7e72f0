package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/segment"
)

// Reader reads a Log's durable entries in order. It belongs to one goroutine.
type Reader struct {
	log    *Log
	next   uint64 // number of the next entry
	number uint64 // of the file that is open, 0 for none
	file   disk.File
	in     *segment.Reader
	size   int64 // up to which in reads
}

// DroppedError says that entries are not kept any more. Reading goes on behind them.
type DroppedError struct {
	Chain       string
	First, Last uint64 // numbers in the chain
}

// Error implements error.
func (e *DroppedError) Error() string {
	return fmt.Sprintf("%s records %d to %d are not kept any more", e.Chain, e.First, e.Last)
}

// Read gives a reader that begins with the entry of a number, or what there is from
// there on. The caller closes it.
func (l *Log) Read(from uint64) *Reader { return &Reader{log: l, next: max(from, 1)} }

// Position is the number of the entry that Next gives.
func (r *Reader) Position() uint64 { return r.next }

// Close ends reading.
func (r *Reader) Close() {
	if r.file != nil {
		_ = r.file.Close()
	}
	r.file, r.in, r.number = nil, nil, 0
}

// Next gives the next entry and its number. Its Data is valid until the next call.
// io.EOF says that no more is durable now; more may come. After a *DroppedError or a
// *segment.DamageError the next call goes on behind what can't be read; after any other
// error it tries again.
func (r *Reader) Next() (segment.Entry, uint64, error) {
	for {
		h, later, err := r.log.holding(r.next)
		if err != nil {
			return r.skip(err)
		}
		if h.number == 0 {
			return segment.Entry{}, 0, io.EOF
		}
		if err := r.open(h); err != nil {
			if errors.Is(err, fs.ErrNotExist) && r.log.Oldest() > r.next {
				continue // dropped just now
			}
			if exhausted(err) {
				return segment.Entry{}, 0, err
			}
			return r.damaged(err, h, later)
		}
		e, number, err := r.in.Next()
		switch {
		case errors.Is(err, io.EOF) && r.in.End().Offset < h.end.Offset:
			continue // it grew
		case err != nil:
			if errors.Is(err, io.EOF) {
				err = errors.New("it ends before its last record")
			}
			return r.damaged(err, h, later)
		case number < r.next:
			continue
		}
		r.next = number + 1
		return e, number, nil
	}
}

// exhausted says that a file can't be opened now, which says nothing of the file.
func exhausted(err error) bool {
	for _, cause := range []error{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EINTR, unix.EAGAIN} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// skip goes on behind entries that are gone.
func (r *Reader) skip(err error) (segment.Entry, uint64, error) {
	var dropped *DroppedError
	if errors.As(err, &dropped) {
		r.next = dropped.Last + 1
	}
	return segment.Entry{}, 0, err
}

// damaged goes on with the next file.
func (r *Reader) damaged(err error, h held, later uint64) (segment.Entry, uint64, error) {
	end := segment.End{Next: r.next}
	if r.in != nil {
		end = r.in.End()
	}
	r.Close()
	r.next = later
	return segment.Entry{}, 0, damageOf(err, path(r.log.opts.FS, h.number), end)
}

// open makes the file that holds the next entry the one that is read.
func (r *Reader) open(h held) error {
	if r.number == h.number && r.size == h.end.Offset {
		return nil
	}
	if r.number == h.number {
		r.in = segment.Resume(path(r.log.opts.FS, h.number), r.file, h.end.Offset, r.in.End())
		r.size = h.end.Offset
		return nil
	}
	r.Close()
	f, err := r.log.opts.FS.Open(nameOf(h.number))
	if err != nil {
		return err
	}
	in, err := segment.NewReader(path(r.log.opts.FS, h.number), f, h.end.Offset)
	if err != nil {
		_ = f.Close()
		return err
	}
	r.file, r.in, r.number, r.size = f, in, h.number, h.end.Offset
	return nil
}

// holding gives the file that holds an entry, and the number with which the next
// file begins. Its number is 0 when the entry is not durable yet.
func (l *Log) holding(number uint64) (h held, later uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number >= l.next || len(l.held) == 0 {
		return held{}, 0, nil
	}
	if first := l.held[0].first; number < first {
		return held{}, 0, &DroppedError{Chain: l.opts.Chain, First: number, Last: first - 1}
	}
	later = l.next
	for i := len(l.held) - 1; i >= 0; i-- {
		h = l.held[i]
		if number >= h.end.Next { // between two files: given up as unreadable
			return held{}, 0, &DroppedError{Chain: l.opts.Chain, First: number, Last: later - 1}
		}
		if number >= h.first {
			return h, later, nil
		}
		later = h.first
	}
	return held{}, 0, nil
}

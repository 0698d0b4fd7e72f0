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
	size   int64 // the offset up to which in reads
}

// DroppedError means that entries are not kept any more. Reading goes on behind them.
type DroppedError struct {
	Chain       string
	First, Last uint64 // numbers in the chain
}

// Error implements error.
func (e *DroppedError) Error() string {
	return fmt.Sprintf("%s records %d to %d are not kept any more", e.Chain, e.First, e.Last)
}

// Read returns a reader that begins with the entry of a number, or with the oldest one
// behind it that is kept. The caller closes it.
func (l *Log) Read(from uint64) *Reader { return &Reader{log: l, next: max(from, 1)} }

// Close closes the file that is read.
func (r *Reader) Close() {
	if r.file != nil {
		_ = r.file.Close()
	}
	r.file, r.in, r.number = nil, nil, 0
}

// Next returns the next entry and its number. The entry's Data is valid until the next
// call. io.EOF means that no more is durable now; more may come. After a *DroppedError or
// a *segment.DamageError the next call goes on behind what can't be read; after any other
// error it tries again.
func (r *Reader) Next() (segment.Entry, uint64, error) {
	for {
		seg, nextFile, err := r.log.locate(r.next)
		if err != nil {
			return r.skip(err)
		}
		if seg.number == 0 {
			return segment.Entry{}, 0, io.EOF
		}
		if err := r.open(seg); err != nil {
			if errors.Is(err, fs.ErrNotExist) && r.log.Oldest() > r.next {
				continue // dropped just now
			}
			if exhausted(err) {
				return segment.Entry{}, 0, err
			}
			return r.damaged(err, seg, nextFile)
		}
		e, number, err := r.in.Next()
		switch {
		case errors.Is(err, io.EOF) && r.in.End().Offset < seg.end.Offset:
			continue // it grew
		case err != nil:
			if errors.Is(err, io.EOF) {
				err = errors.New("it ends before its last record")
			}
			return r.damaged(err, seg, nextFile)
		case number < r.next:
			continue
		}
		r.next = number + 1
		return e, number, nil
	}
}

// exhausted reports whether a file could not be opened for want of a resource, which says
// nothing about the file.
func exhausted(err error) bool {
	for _, cause := range []error{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EINTR, unix.EAGAIN} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// skip goes on behind entries that were dropped.
func (r *Reader) skip(err error) (segment.Entry, uint64, error) {
	var dropped *DroppedError
	if errors.As(err, &dropped) {
		r.next = dropped.Last + 1
	}
	return segment.Entry{}, 0, err
}

// damaged goes on with the next file, which begins with the entry next.
func (r *Reader) damaged(err error, seg segmentInfo, next uint64) (segment.Entry, uint64, error) {
	end := segment.End{Next: r.next}
	if r.in != nil {
		end = r.in.End()
	}
	r.Close()
	r.next = next
	return segment.Entry{}, 0, damageOf(err, path(r.log.opts.FS, seg.number), end)
}

// open opens the file that holds the next entry, unless it is open already.
func (r *Reader) open(seg segmentInfo) error {
	if r.number == seg.number && r.size == seg.end.Offset {
		return nil
	}
	if r.number == seg.number {
		r.in = segment.Resume(path(r.log.opts.FS, seg.number), r.file, seg.end.Offset, r.in.End())
		r.size = seg.end.Offset
		return nil
	}
	r.Close()
	f, err := r.log.opts.FS.Open(nameOf(seg.number))
	if err != nil {
		return err
	}
	in, err := segment.NewReader(path(r.log.opts.FS, seg.number), f, seg.end.Offset)
	if err != nil {
		_ = f.Close()
		return err
	}
	r.file, r.in, r.number, r.size = f, in, seg.number, seg.end.Offset
	return nil
}

// locate returns the file that holds an entry, and the number of the first entry of the
// file after it. The file's number is 0 when the entry is not durable yet.
func (l *Log) locate(number uint64) (seg segmentInfo, next uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number >= l.next || len(l.segments) == 0 {
		return segmentInfo{}, 0, nil
	}
	if first := l.segments[0].first; number < first {
		return segmentInfo{}, 0, &DroppedError{Chain: l.opts.Chain, First: number, Last: first - 1}
	}
	next = l.next
	for i := len(l.segments) - 1; i >= 0; i-- {
		seg = l.segments[i]
		if number >= seg.end.Next { // between two files: what was there was unreadable
			return segmentInfo{}, 0, &DroppedError{Chain: l.opts.Chain, First: number, Last: next - 1}
		}
		if number >= seg.first {
			return seg, next, nil
		}
		next = seg.first
	}
	return segmentInfo{}, 0, nil
}

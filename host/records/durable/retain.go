package durable

import (
	"fmt"
	"slices"
	"time"
)

// Reason is why files were dropped.
type Reason uint8

// The reasons.
const (
	ForSize Reason = iota + 1 // the chain was larger than KeepSize
	ForAge                    // all that was in them was older than KeepAge
)

// Dropped are files that were dropped.
type Dropped struct {
	Reason      Reason
	Files       int
	Bytes       int64
	First, Last uint64    // numbers of their entries in the chain
	Newest      time.Time // of what was in them
}

// Retain drops the oldest files for as long as the chain is larger than KeepSize, and at most
// byAge more whose records are all older than KeepAge at the time now. The newest file stays.
// What was dropped is returned, also beside an error.
func (l *Log) Retain(now time.Time, byAge int) (dropped []Dropped, err error) {
	if keepsAll(l.opts.Chain) {
		return nil, nil
	}
	for {
		seg, reason := l.nextToDrop(now, byAge > 0)
		if reason == 0 {
			return dropped, nil
		}
		gone, err := l.dropFile(seg.number)
		if gone {
			dropped = count(dropped, reason, seg)
		}
		if err != nil {
			return dropped, err
		}
		if reason == ForAge {
			byAge--
		}
	}
}

// DropBefore drops the oldest files, those that hold no entry from number on. The newest
// file stays. It reports whether there was one to drop; prepare is called before the first
// one goes, and its error keeps them.
func (l *Log) DropBefore(number uint64, prepare func() error) (dropped bool, err error) {
	if keepsAll(l.opts.Chain) {
		return false, nil
	}
	for {
		l.mu.Lock()
		due := len(l.segments) > 1 && l.segments[0].end.Next <= number
		oldest := uint64(0)
		if due {
			oldest = l.segments[0].number
		}
		l.mu.Unlock()
		if !due {
			return dropped, nil
		}
		if !dropped {
			if err := prepare(); err != nil {
				return false, err
			}
		}
		gone, err := l.dropFile(oldest)
		dropped = dropped || gone
		if err != nil {
			return dropped, err
		}
	}
}

// dropFile drops the oldest file. It is gone durably before the next one may go: what is
// left is always the end of the chain, without a hole. An error may come after the file went.
func (l *Log) dropFile(number uint64) (gone bool, err error) {
	if err := l.opts.FS.Remove(nameOf(number)); err != nil {
		return false, fmt.Errorf("drop old %s records: %w", l.opts.Chain, err)
	}
	l.mu.Lock()
	l.segments = slices.DeleteFunc(l.segments, func(seg segmentInfo) bool { return seg.number == number })
	delete(l.quarantined, number)
	l.mu.Unlock()
	if err := l.opts.FS.SyncDir(); err != nil {
		return true, fmt.Errorf("drop old %s records: %w", l.opts.Chain, err)
	}
	return true, nil
}

// count adds a file to what was dropped.
func count(all []Dropped, reason Reason, seg segmentInfo) []Dropped {
	i := slices.IndexFunc(all, func(d Dropped) bool { return d.Reason == reason })
	if i < 0 {
		i, all = len(all), append(all, Dropped{Reason: reason, First: seg.first})
	}
	d := &all[i]
	d.Files++
	d.Bytes += max(seg.size, seg.end.Offset)
	if seg.end.Next > 0 { // else nothing in it was valid
		if d.First == 0 {
			d.First = seg.first
		}
		d.Last = seg.end.Next - 1
	}
	if seg.newest.After(d.Newest) {
		d.Newest = seg.newest
	}
	return all
}

// nextToDrop returns the next file to drop and why; no reason if there is none.
func (l *Log) nextToDrop(now time.Time, byAge bool) (segmentInfo, Reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segments) == 0 {
		return segmentInfo{}, 0
	}
	large := l.opts.KeepSize > 0 && l.bytes() > l.opts.KeepSize
	for number, size := range l.quarantined {
		if number >= l.segments[0].number {
			continue
		}
		// The files before and behind it are gone.
		if large {
			return segmentInfo{number: number, size: size}, ForSize
		}
		if byAge {
			return segmentInfo{number: number, size: size}, ForAge
		}
	}
	switch {
	case len(l.segments) == 1:
	case large:
		return l.segments[0], ForSize
	case byAge && l.opts.KeepAge > 0 && now.Sub(l.newest(0, now)) > l.opts.KeepAge:
		return l.segments[0], ForAge
	}
	return segmentInfo{}, 0
}

// newest returns the time of the newest record of a file. Records of the future were written
// while the clock was wrong; the first file after them that is not of the future tells when
// that was over.
func (l *Log) newest(file int, now time.Time) time.Time {
	seg := l.segments[file]
	if !seg.newest.After(now) {
		return seg.newest
	}
	for _, later := range l.segments[file+1:] {
		if !later.created.After(now) {
			return later.created
		}
	}
	return seg.newest
}

// Files returns how many files there are.
func (l *Log) Files() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.segments)
}

// Newest returns the time of the newest record that is on disk; zero for none.
func (l *Log) Newest() (newest time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.segments) - 1; i >= 0 && newest.IsZero(); i-- {
		newest = l.segments[i].newest
	}
	return newest
}

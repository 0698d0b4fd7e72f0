package durable

import (
	"fmt"
	"slices"
)

// Retain drops the oldest files for as long as the chain is larger than KeepSize, or all
// records in them are older than KeepAge. The newest file stays.
func (l *Log) Retain() error {
	if keepsAll(l.opts.Chain) {
		return nil
	}
	for {
		number, ok := l.nextToDrop()
		if !ok {
			return nil
		}
		if err := l.dropFile(number); err != nil {
			return err
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
		if err := l.dropFile(oldest); err != nil {
			return dropped, err
		}
		dropped = true
	}
}

// dropFile drops the oldest file. It is gone durably before the next one may go: what is
// left is always the end of the chain, without a hole.
func (l *Log) dropFile(number uint64) error {
	if err := l.opts.FS.Remove(nameOf(number)); err != nil {
		return fmt.Errorf("drop old %s records: %w", l.opts.Chain, err)
	}
	l.mu.Lock()
	l.segments = slices.DeleteFunc(l.segments, func(seg segmentInfo) bool { return seg.number == number })
	delete(l.quarantined, number)
	l.mu.Unlock()
	if err := l.opts.FS.SyncDir(); err != nil {
		return fmt.Errorf("drop old %s records: %w", l.opts.Chain, err)
	}
	return nil
}

// nextToDrop returns the number of the next file to drop, and whether there is one.
func (l *Log) nextToDrop() (uint64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segments) == 0 {
		return 0, false
	}
	for number := range l.quarantined {
		if number < l.segments[0].number { // the files before and behind it are gone
			return number, true
		}
	}
	oldest := l.segments[0]
	if len(l.segments) == 1 {
		return 0, false
	}
	large := l.opts.KeepSize > 0 && l.bytes() > l.opts.KeepSize
	now := l.opened.Add(l.opts.Elapsed()) // a wall clock that is set forward makes no record old
	old := l.opts.KeepAge > 0 && now.Sub(oldest.newest) > l.opts.KeepAge
	return oldest.number, large || old
}

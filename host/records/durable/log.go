package durable

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/segment"
	"github.com/meshos/meshos/internal/unwritable"
)

// Options are what Open needs.
type Options struct {
	FS    disk.FS
	Chain string // "audit", "log" …; "audit" is kept for ever
	// SegmentSize is the size, in bytes, from which on a file is sealed and the next one
	// begun. 0 is 16 MiB.
	SegmentSize int64
	// KeepSize and KeepAge bound the chain: beyond them Retain drops the oldest files. 0 is
	// no bound.
	KeepSize int64
	KeepAge  time.Duration
	// Now returns the time. nil is time.Now.
	Now func() time.Time
}

// Log is one chain of records on disk. Append, Sync, Retain, TakeFindings and Close belong
// to one goroutine; everything else may be called by any.
type Log struct {
	opts Options
	now  func() time.Time

	// Of the writer:
	file           disk.File       // the file that grows; nil: the next Append begins one
	fresh          bool            // file is new: its name is not durable yet
	number         uint64          // of file
	created        time.Time       // of file
	state          segment.Builder // behind what was appended
	last           uint64          // number of the newest file that was ever there
	follows        segment.Follows // the reason why the next file is begun
	tailUnverified bool            // the tail has to be read before the next file is begun
	tailReads      int             // how often reading it failed
	findings       []Finding

	mu          sync.Mutex
	segments    []segmentInfo    // what is durable of each file, oldest first
	next        uint64           // number of the next durable entry
	quarantined map[uint64]int64 // sizes of files of which nothing is valid, by number
}

// Finding is what was found wrong with a chain, and what was done about it.
type Finding struct {
	Damage *segment.DamageError
	Text   string // for people
}

// Open reads a folder and cuts a torn tail off. The longest valid prefix of the chain
// counts; TakeFindings returns what else was found. An error is one of the file system.
func Open(o Options) (*Log, error) {
	if o.SegmentSize <= 0 {
		o.SegmentSize = 16 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s, err := recoverChain(o.FS, o.Chain)
	if err != nil {
		return nil, err
	}
	l := &Log{
		opts: o, now: o.Now, last: s.last, follows: segment.FollowsNothing,
		segments: s.valid, next: 1, quarantined: s.quarantined,
	}
	if len(s.valid) > 0 {
		l.next = s.tail().end.Next
		l.follows = segment.FollowsFailure
		if s.tail().end.Sealed {
			l.follows = segment.FollowsSealed
		}
	}
	for _, d := range s.damage[:s.known] {
		if d.Cause == errMissing { //nolint:errorlint // it is never wrapped
			l.addFinding(d, "the records before it were taken away; those that are left are read")
		}
	}
	for _, d := range s.damage[s.known:] {
		l.follows = segment.FollowsDamage
		l.addFinding(d, "it and what follows it is not trusted; the file is set aside and a new one is begun")
		_ = o.FS.Protect(nameOf(numberOf(d.File[len(o.FS.Dir())+1:])))
	}
	for i := range len(l.segments) - 1 {
		l.segments[i].state = segment.Builder{} // only the newest is appended to
	}
	if err := l.openTail(s); err != nil {
		return nil, fmt.Errorf("%s records: %w", o.Chain, err)
	}
	if s.last > 0 { // a name that can be seen need not be durable
		if err := o.FS.SyncDir(); err != nil && !unwritable.Is(err) {
			return nil, fmt.Errorf("%s records: %w", o.Chain, errors.Join(err, l.Close()))
		}
	}
	return l, nil
}

// openTail opens the newest file for appending, and cuts a torn end off.
func (l *Log) openTail(s *recovery) error {
	if s.torn != nil && s.torn.Offset == 0 {
		l.addFinding(s.torn, "the file held no record and is removed")
		err := l.opts.FS.Remove(nameOf(s.last))
		if unwritable.Is(err) {
			l.follows = segment.FollowsFailure // it stays, and the header of the next file overrules it
			return nil
		}
		delete(l.quarantined, s.last)
		return err
	}
	if !s.growable && s.torn == nil || len(s.damage) > s.known || s.tail().end.Sealed {
		return nil
	}
	tail := s.tail()
	f, err := l.opts.FS.Append(nameOf(tail.number))
	if err != nil {
		if !isDenied(err) && !unwritable.Is(err) {
			return err
		}
		// It was protected after a failed write, and no file was begun since; or the disk
		// takes nothing for now.
		if s.torn != nil {
			l.addFinding(s.torn, "nothing more is written to the file; a new one is begun")
		}
		return nil
	}
	if s.torn != nil {
		l.addFinding(s.torn, fmt.Sprintf("%d bytes were cut off", tail.size-tail.end.Offset))
		if err := f.Truncate(tail.end.Offset); err != nil {
			_ = f.Close()
			return giveUpTail(err)
		}
	}
	if err := f.Sync(); err != nil { // what was read may have been in the cache only
		_ = f.Close()
		return giveUpTail(err)
	}
	l.file, l.number, l.created, l.state = f, tail.number, tail.created, tail.state.Mark()
	return nil
}

// giveUpTail returns err, unless the disk takes nothing for now: then a new file is begun later.
func giveUpTail(err error) error {
	if unwritable.Is(err) {
		return nil
	}
	return err
}

func (l *Log) addFinding(d *segment.DamageError, done string) {
	l.findings = append(l.findings, Finding{Damage: d, Text: d.Error() + "; " + done})
}

// TakeFindings returns what was found since the last call.
func (l *Log) TakeFindings() []Finding {
	out := l.findings
	l.findings = nil
	return out
}

// Next returns the number that the next durable entry will have.
func (l *Log) Next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// Oldest returns the number of the oldest entry that is kept, Next for none.
func (l *Log) Oldest() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segments) == 0 {
		return l.next
	}
	return l.segments[0].first
}

// Bytes returns the size of the chain on disk, with the quarantined files.
func (l *Log) Bytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes()
}

func (l *Log) bytes() (n int64) {
	for _, seg := range l.segments {
		n += max(seg.size, seg.end.Offset)
	}
	for _, size := range l.quarantined {
		n += size
	}
	return n
}

// Close closes the file that grows. Entries that were appended and not synced may be lost.
func (l *Log) Close() error {
	if l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	return f.Close()
}

package durable

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/segment"
)

// Options say what a Log works with.
type Options struct {
	FS    disk.FS
	Chain string // "audit", "log" …; all of "audit" is kept for ever
	// SegmentSize is what a file may grow to before the next is begun, in bytes. 0 is
	// 16 MiB.
	SegmentSize int64
	// KeepSize and KeepAge say when the oldest files are dropped; 0 never.
	KeepSize int64
	KeepAge  time.Duration
	// Now gives the time. nil is time.Now.
	Now func() time.Time
}

// Log is one chain of records on disk. Append, Sync, Retain and Close belong to one
// goroutine; all else may be called by any.
type Log struct {
	opts Options
	now  func() time.Time

	// Of the writer:
	file     disk.File       // that grows; nil: one has to be begun
	fresh    bool            // file is new: its name is not durable yet
	number   uint64          // of file
	created  time.Time       // file
	state    segment.Builder // behind what was appended
	last     uint64          // number of the newest file there ever was
	follows  segment.Follows // why the next file will be begun
	reread   bool            // the tail has to be read before that
	attempts int             // of reading it
	findings []Finding

	mu      sync.Mutex
	held    []held // up to what is durable, oldest first
	next    uint64 // number of the next durable entry
	aside   map[uint64]int64
	changed chan struct{} // closed when more is durable
}

// Finding is what was found wrong with a chain, and what was done about it.
type Finding struct {
	Damage *segment.DamageError
	Text   string // for a person
}

// Open reads a folder and cuts a torn tail off. The longest valid prefix is believed;
// what else there is Findings tells. An error is one of the file system.
func Open(o Options) (*Log, error) {
	if o.SegmentSize <= 0 {
		o.SegmentSize = 16 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s, err := take(o.FS, o.Chain)
	if err != nil {
		return nil, err
	}
	l := &Log{
		opts: o, now: o.Now, last: s.last, follows: segment.FollowsNothing,
		held: s.believed, next: 1, aside: s.aside, changed: make(chan struct{}),
	}
	if len(s.believed) > 0 {
		l.next = s.tail().end.Next
		l.follows = segment.FollowsFailure
		if s.tail().end.Sealed {
			l.follows = segment.FollowsSealed
		}
	}
	for _, d := range s.damage[:s.known] {
		if d.Cause == errMissing { //nolint:errorlint // it is never wrapped
			l.find(d, "the records before them were taken away; what is left is read")
		}
	}
	for _, d := range s.damage[s.known:] {
		l.follows = segment.FollowsDamage
		l.find(d, "it and what follows it is not believed; the file is set aside and a new one begun")
		_ = o.FS.Protect(nameOf(numberOf(d.File[len(o.FS.Dir())+1:])))
	}
	for i := range len(l.held) - 1 {
		l.held[i].state = segment.Builder{} // only the newest is appended to
	}
	if err := l.grow(s); err != nil {
		return nil, fmt.Errorf("%s records: %w", o.Chain, err)
	}
	if s.last > 0 { // that a name is there now does not say that it is durable
		if err := o.FS.SyncDir(); err != nil {
			return nil, fmt.Errorf("%s records: %w", o.Chain, errors.Join(err, l.Close()))
		}
	}
	return l, nil
}

// grow opens the newest file to append to, without what is torn off its end.
func (l *Log) grow(s *survey) error {
	if s.torn != nil && s.torn.Offset == 0 {
		l.find(s.torn, "the file held nothing yet and is removed")
		delete(l.aside, s.last)
		return l.opts.FS.Remove(nameOf(s.last))
	}
	if !s.whole && s.torn == nil || len(s.damage) > s.known || s.tail().end.Sealed {
		return nil
	}
	tail := s.tail()
	f, err := l.opts.FS.Append(nameOf(tail.number))
	if err != nil {
		if !isDenied(err) {
			return err
		}
		// It was set aside after a failed write, and nothing came since.
		if s.torn != nil {
			l.find(s.torn, "nothing more is written to the file, and a new one is begun")
		}
		return nil
	}
	if s.torn != nil {
		l.find(s.torn, fmt.Sprintf("%d bytes were cut off", tail.size-tail.end.Offset))
		if err := f.Truncate(tail.end.Offset); err != nil {
			_ = f.Close()
			return err
		}
	}
	if err := f.Sync(); err != nil { // what was read may not have been on disk
		_ = f.Close()
		return err
	}
	l.file, l.number, l.created, l.state = f, tail.number, tail.created, tail.state.Mark()
	return nil
}

func (l *Log) find(d *segment.DamageError, done string) {
	l.findings = append(l.findings, Finding{Damage: d, Text: d.Error() + "; " + done})
}

// Findings gives what was found since the last call.
func (l *Log) Findings() []Finding {
	out := l.findings
	l.findings = nil
	return out
}

// Next is the number that the next durable entry will have.
func (l *Log) Next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// Oldest is the number of the oldest entry that is kept.
func (l *Log) Oldest() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held) == 0 {
		return l.next
	}
	return l.held[0].first
}

// Changed is closed when more is durable than now.
func (l *Log) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// Bytes is what the chain takes on disk, with what is set aside.
func (l *Log) Bytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes()
}

func (l *Log) bytes() (n int64) {
	for _, h := range l.held {
		n += max(h.size, h.end.Offset)
	}
	for _, size := range l.aside {
		n += size
	}
	return n
}

// Close closes the file that grows. What was appended and not synced may be lost.
func (l *Log) Close() error {
	if l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	return f.Close()
}

package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/meshos/meshos/host/records/segment"
)

func isDenied(err error) bool { return errors.Is(err, fs.ErrPermission) }

// Append writes entries behind those that are there. They count once Sync returned nil.
// After an error of either, nothing since the last good Sync counts: the file is abandoned,
// and all of it has to be appended again, which begins a new file.
func (l *Log) Append(entries []segment.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if l.file != nil && l.full() {
		if err := l.seal(); err != nil {
			return l.abandon(err)
		}
	}
	var raw []byte
	if l.file == nil {
		header, err := l.begin()
		if err != nil {
			return l.abandon(err)
		}
		raw = header
	}
	at := l.state.End.Offset - int64(len(raw))
	for _, e := range entries {
		var err error
		if raw, err = l.state.Append(raw, e); err != nil {
			return l.abandon(err)
		}
	}
	if _, err := l.file.WriteAt(raw, at); err != nil {
		return l.abandon(err)
	}
	return nil
}

// Sync makes durable what Append wrote.
func (l *Log) Sync() error {
	if l.file == nil || !l.fresh && l.state.End.Next == l.Next() {
		return nil
	}
	if err := l.file.Sync(); err != nil {
		return l.abandon(err)
	}
	if l.fresh {
		if err := l.opts.FS.SyncDir(); err != nil {
			return l.abandon(err)
		}
	}
	l.publish()
	return nil
}

// publish lets readers see what is durable now.
func (l *Log) publish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fresh {
		first := l.state.End.Next - l.state.Footer.Entries
		l.segments = append(l.segments, segmentInfo{number: l.number, first: first, created: l.created})
		l.fresh = false
	}
	seg := &l.segments[len(l.segments)-1]
	seg.end, seg.size = l.state.End, l.state.End.Offset
	seg.newest, seg.state = l.state.Footer.Newest, l.state.Mark()
	l.next = l.state.End.Next
}

// full reports whether the next file is due: the present one is large, or so old that its
// newest records would keep the oldest ones from being dropped in time. A file that was
// begun in the future, while the clock was wrong, has no age.
func (l *Log) full() bool {
	if l.state.End.Offset >= l.opts.SegmentSize {
		return true
	}
	age := l.now().Sub(l.created)
	return l.opts.KeepAge > 0 && !keepsAll(l.opts.Chain) && (age > l.opts.KeepAge/8 || age < -time.Minute)
}

// seal writes the footer of the file that grows, and closes it. Everything appended must
// be synced.
func (l *Log) seal() error {
	at := l.state.End.Offset
	raw, err := l.state.Seal(nil)
	if err != nil {
		return err
	}
	if _, err := l.file.WriteAt(raw, at); err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		return err
	}
	_ = l.file.Close()
	l.file = nil
	_ = l.opts.FS.Protect(nameOf(l.number))
	l.mu.Lock()
	seg := &l.segments[len(l.segments)-1]
	seg.end, seg.size, seg.state = l.state.End, l.state.End.Offset, segment.Builder{}
	l.mu.Unlock()
	l.follows = segment.FollowsSealed
	return nil
}

// begin makes a new file, and returns the header to write to it.
func (l *Log) begin() ([]byte, error) {
	if l.tailUnverified {
		if err := l.verifyTail(); err != nil {
			return nil, err
		}
	}
	h := segment.Header{
		Chain: l.opts.Chain, Number: l.last + 1, First: l.Next(), Follows: l.follows, Created: l.now(),
	}
	if len(l.segments) > 0 {
		end := l.segments[len(l.segments)-1].end
		h.PrevNumber, h.PrevEnd, h.PrevHash = l.segments[len(l.segments)-1].number, end.Offset, end.Hash
	}
	f, err := l.opts.FS.Create(nameOf(h.Number))
	if errors.Is(err, fs.ErrExist) { // left by an attempt that failed
		l.last++
	}
	if err != nil {
		return nil, err
	}
	state, header, err := segment.Begin(h)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	l.file, l.fresh, l.number, l.created, l.state = f, true, h.Number, h.Created, state
	l.last = h.Number
	return header, nil
}

// abandon closes the file for good and returns err with its place. What was appended since
// the last Sync does not count: after a failed sync the kernel may show it and never write
// it.
func (l *Log) abandon(err error) error {
	switch {
	case l.file == nil:
	case l.fresh:
		_ = l.file.Close()
		l.removeUnpublished()
	default:
		_ = l.file.Truncate(l.segments[len(l.segments)-1].end.Offset) // best effort: nothing is read beyond it
		_ = l.file.Close()
		_ = l.opts.FS.Protect(nameOf(l.number))
		l.follows, l.tailUnverified, l.tailReads = segment.FollowsFailure, true, 0
	}
	l.file, l.fresh = nil, false
	return fmt.Errorf("write %s records to %s: %w", l.opts.Chain, l.opts.FS.Dir(), err)
}

// removeUnpublished removes a file in which nothing is durable. If it can't be removed, the
// header of the next file overrules it.
func (l *Log) removeUnpublished() {
	if l.opts.FS.Remove(nameOf(l.number)) == nil {
		l.last = l.number - 1
		return
	}
	_ = l.opts.FS.Protect(nameOf(l.number))
	if l.follows != segment.FollowsDamage {
		l.follows = segment.FollowsFailure
	}
}

// maxTailReads is how often reading the tail may fail before what can't be read is damage.
const maxTailReads = 3

// verifyTail checks that what was durable in the abandoned file can still be read. If not,
// that is damage like any other.
func (l *Log) verifyTail() error {
	l.mu.Lock()
	seg := l.segments[len(l.segments)-1]
	l.mu.Unlock()
	f, err := l.opts.FS.Open(nameOf(seg.number))
	var end segment.End
	if err == nil {
		f.DropCache()
		var r *segment.Reader
		r, err = segment.NewReader(path(l.opts.FS, seg.number), f, seg.end.Offset)
		for err == nil {
			_, _, err = r.Next()
		}
		if r != nil {
			end = r.End()
		}
		_ = f.Close()
	}
	if errors.Is(err, io.EOF) && end.Hash == seg.end.Hash {
		l.tailUnverified = false
		return nil
	}
	if exhausted(err) {
		return fmt.Errorf("read the last file again after a failed write: %w", err)
	}
	l.tailReads++
	var damaged *segment.DamageError
	if !errors.As(err, &damaged) && l.tailReads < maxTailReads {
		return fmt.Errorf("read the last file again after a failed write: %w", err)
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it does not hold the records that were written")
	}
	l.addFinding(damageOf(err, path(l.opts.FS, seg.number), end), "it and what follows it is not trusted; a new file is begun")
	l.shrinkTail(seg, end)
	l.tailUnverified, l.follows = false, segment.FollowsDamage
	return nil
}

// shrinkTail shortens the last file to the end up to which it can be read. The numbers
// behind it are not used again.
func (l *Log) shrinkTail(seg segmentInfo, end segment.End) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.segments) - 1
	if end.Offset == 0 {
		l.segments, l.quarantined[seg.number] = l.segments[:n], seg.size
		return
	}
	l.segments[n].end = end
}

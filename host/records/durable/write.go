package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/meshos/meshos/host/records/segment"
)

func isDenied(err error) bool { return errors.Is(err, fs.ErrPermission) }

// Append writes entries behind what there is. They count once Sync returned nil.
// After an error of either nothing since the last good Sync counts: the file is given
// up, and all of it has to be appended again, which begins a new one.
func (l *Log) Append(entries []segment.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if l.file != nil && l.full() {
		if err := l.seal(); err != nil {
			return l.failed(err)
		}
	}
	var raw []byte
	if l.file == nil {
		header, err := l.begin()
		if err != nil {
			return l.failed(err)
		}
		raw = header
	}
	at := l.state.End.Offset - int64(len(raw))
	for _, e := range entries {
		var err error
		if raw, err = l.state.Append(raw, e); err != nil {
			return l.failed(err)
		}
	}
	if _, err := l.file.WriteAt(raw, at); err != nil {
		return l.failed(err)
	}
	return nil
}

// Sync makes durable what was appended.
func (l *Log) Sync() error {
	if l.file == nil || !l.fresh && l.state.End.Next == l.Next() {
		return nil
	}
	if err := l.file.Sync(); err != nil {
		return l.failed(err)
	}
	if l.fresh {
		if err := l.opts.FS.SyncDir(); err != nil {
			return l.failed(err)
		}
	}
	l.publish()
	return nil
}

// publish shows readers what is durable now.
func (l *Log) publish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fresh {
		first := l.state.End.Next - l.state.Footer.Entries
		l.held = append(l.held, held{number: l.number, first: first, created: l.created})
		l.fresh = false
	}
	h := &l.held[len(l.held)-1]
	h.end, h.size = l.state.End, l.state.End.Offset
	h.newest, h.state = l.state.Footer.Newest, l.state.Mark()
	l.next = l.state.End.Next
	close(l.changed)
	l.changed = make(chan struct{})
}

// full says whether the next file is due: the present one is large, or so old that
// its age would keep records from being dropped in time.
func (l *Log) full() bool {
	return l.state.End.Offset >= l.opts.SegmentSize ||
		l.opts.KeepAge > 0 && !keepsAll(l.opts.Chain) && l.now().Sub(l.created) > l.opts.KeepAge/8
}

// seal ends the file that grows. It comes between a Sync and the next Append.
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
	h := &l.held[len(l.held)-1]
	h.end, h.size, h.state = l.state.End, l.state.End.Offset, segment.Builder{}
	l.mu.Unlock()
	l.follows = segment.FollowsSealed
	return nil
}

// begin makes a new file, and gives the header to write to it.
func (l *Log) begin() ([]byte, error) {
	if l.reread {
		if err := l.readAgain(); err != nil {
			return nil, err
		}
	}
	h := segment.Header{
		Chain: l.opts.Chain, Number: l.last + 1, First: l.Next(), Follows: l.follows, Created: l.now(),
	}
	if len(l.held) > 0 {
		end := l.held[len(l.held)-1].end
		h.PrevNumber, h.PrevEnd, h.PrevHash = l.held[len(l.held)-1].number, end.Offset, end.Hash
	}
	f, err := l.opts.FS.Create(nameOf(h.Number))
	if errors.Is(err, fs.ErrExist) { // one that could not be removed
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

// failed gives the file up. What was appended since the last Sync is forgotten here:
// after a failed sync the kernel may show it and never write it.
func (l *Log) failed(err error) error {
	switch {
	case l.file == nil:
	case l.fresh:
		_ = l.file.Close()
		l.discard()
	default:
		_ = l.file.Truncate(l.held[len(l.held)-1].end.Offset) // best effort: it is read up to there at most
		_ = l.file.Close()
		_ = l.opts.FS.Protect(nameOf(l.number))
		l.follows, l.reread, l.attempts = segment.FollowsFailure, true, 0
	}
	l.file, l.fresh = nil, false
	return fmt.Errorf("write %s records to %s: %w", l.opts.Chain, l.opts.FS.Dir(), err)
}

// discard takes a file away that could not be begun. One that stays is overruled by
// the next.
func (l *Log) discard() {
	if l.opts.FS.Remove(nameOf(l.number)) == nil {
		l.last = l.number - 1
		return
	}
	_ = l.opts.FS.Protect(nameOf(l.number))
	if l.follows != segment.FollowsDamage {
		l.follows = segment.FollowsFailure
	}
}

// maxRereads is how often the tail is tried to be read before what can't be is given
// up.
const maxRereads = 3

// readAgain makes sure that what was durable in the file given up still is. If it is
// not, that is damage like any other.
func (l *Log) readAgain() error {
	l.mu.Lock()
	h := l.held[len(l.held)-1]
	l.mu.Unlock()
	f, err := l.opts.FS.Open(nameOf(h.number))
	var end segment.End
	if err == nil {
		f.Forget()
		var r *segment.Reader
		r, err = segment.NewReader(path(l.opts.FS, h.number), f, h.end.Offset)
		for err == nil {
			_, _, err = r.Next()
		}
		if r != nil {
			end = r.End()
		}
		_ = f.Close()
	}
	if errors.Is(err, io.EOF) && end.Hash == h.end.Hash {
		l.reread = false
		return nil
	}
	if exhausted(err) {
		return fmt.Errorf("read the tail again after a failed write: %w", err)
	}
	l.attempts++
	var damaged *segment.DamageError
	if !errors.As(err, &damaged) && l.attempts < maxRereads {
		return fmt.Errorf("read the tail again after a failed write: %w", err)
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it holds other records than were written")
	}
	l.find(damageOf(err, path(l.opts.FS, h.number), end), "it and what follows it is not believed; a new file is begun")
	l.believeLess(h, end)
	l.reread, l.follows = false, segment.FollowsDamage
	return nil
}

// believeLess takes back what of the last file can't be read any more. Numbers are
// not used again.
func (l *Log) believeLess(h held, end segment.End) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.held) - 1
	if end.Offset == 0 {
		l.held, l.aside[h.number] = l.held[:n], h.size
		return
	}
	l.held[n].end = end
}

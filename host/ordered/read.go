package ordered

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func hashOf(raw []byte) hash { return sha256.Sum256(raw) }

// sweep removes what was left of checkpoints that were never finished.
func sweep(dir string) {
	names, _ := os.ReadDir(dir)
	for _, n := range names {
		if strings.HasPrefix(n.Name(), "."+checkpointName) {
			_ = os.Remove(filepath.Join(dir, n.Name()))
		}
	}
}

// read reads the checkpoint and the entries above it.
func (l *Log) read() error {
	c, err := readCheckpoint(l.dir, checkpointName)
	if err != nil && !errors.Is(err, errDamaged) {
		return err
	}
	if c == nil {
		if c, err = l.readBase(err); err != nil {
			return err
		}
	}
	l.checkpoint, l.began = c, c != nil
	if c != nil {
		l.tail = place{height: c.GetState().GetHeight(), record: c.GetRecord(), at: c.GetTakenAt().AsTime()}
		copy(l.tail.head[:], c.GetHead())
		l.keeper.base = l.tail
	}
	if l.chain == nil {
		return nil
	}
	for _, f := range l.chain.TakeFindings() {
		l.note("%s", f.Text)
	}
	return l.readEntries()
}

// readBase reads the checkpoint that stands in for the newest one. damage is what is wrong
// with that; nil if there is none, which is well unless there is a base.
func (l *Log) readBase(damage error) (*meshosv1.OrderedCheckpoint, error) {
	base, err := readCheckpoint(l.dir, baseName)
	if err != nil && !errors.Is(err, errDamaged) {
		return nil, err
	}
	if damage == nil && (base != nil || err != nil) {
		damage = fmt.Errorf("%s is gone", checkpointName)
	}
	if damage != nil {
		l.note("the checkpoint is made anew from the log, without what is in the checkpoint only, such as the gates of daemons that crashed: %v", damage)
	}
	if err != nil {
		l.note("%s can't be used either, so what was ordered before the oldest entry of the log is lost: %v", baseName, err)
	}
	return base, nil
}

// readEntries reads the entries above the checkpoint, of which each must continue the one
// before. What does not is noted and not believed.
func (l *Log) readEntries() error {
	from := l.tail.record + 1
	if l.tail.height > 0 && !l.holds(l.tail) {
		l.note("the log does not hold the order at height %d, up to which the checkpoint goes: orders before it are lost, what they left is not", l.tail.height)
		from = 1
	}
	r := l.chain.Read(from)
	defer r.Close()
	for {
		e, number, err := r.Next()
		var dropped *durable.DroppedError
		var damaged *segment.DamageError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &dropped), errors.As(err, &damaged):
			l.note("orders are lost: %v", err)
			continue
		case err != nil:
			return err
		}
		if err := l.readEntry(e, number); err != nil {
			return err
		}
	}
}

// holds reports whether the log holds an entry at its place.
func (l *Log) holds(p place) bool {
	r := l.chain.Read(p.record)
	defer r.Close()
	e, number, err := r.Next()
	return err == nil && number == p.record && hashOf(e.Data) == p.head
}

func (l *Log) readEntry(raw segment.Entry, number uint64) error {
	e, err := decode(raw.Data)
	var newer *NewerError
	if errors.As(err, &newer) {
		newer.Dir = l.dir
		return newer
	}
	if err == nil && e.GetHeight() <= l.tail.height {
		return nil // it is in the checkpoint
	}
	if err == nil {
		_, err = input(e)
	}
	if err != nil {
		l.note("the order in record %d is left out: %v", number, err)
		return nil
	}
	prev := hash{}
	copy(prev[:], e.GetPrev())
	if e.GetHeight() != l.tail.height+1 || prev != l.tail.head {
		l.note("the order at height %d does not continue the one at height %d: some are lost in between", e.GetHeight(), l.tail.height)
	}
	l.tail = place{height: e.GetHeight(), head: hashOf(raw.Data), record: number, at: e.GetAt().AsTime()}
	l.pending = append(l.pending, l.tail)
	l.entries = append(l.entries, e)
	return nil
}

// take returns what was read: the checkpoint, which may be nil, and the entries above it. The
// log does not keep them.
func (l *Log) take() (c *meshosv1.OrderedCheckpoint, entries []*meshosv1.OrderedEntry) {
	c, entries = l.checkpoint, l.entries
	l.checkpoint, l.entries = nil, nil
	return c, entries
}

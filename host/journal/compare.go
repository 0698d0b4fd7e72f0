package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/meshos/meshos/host/snapshot"
)

// Side is one of two runs that are compared: a journal that is replayed, or the output of
// an earlier replay.
type Side interface {
	// Name returns the name of the file.
	Name() string
	// next returns the next tick, or io.EOF at the end.
	next() (frame, error)
	// last returns the line of the snapshot after the last tick, or nil if the side has
	// none.
	last() ([]byte, error)
}

// frame is one tick of a side.
type frame struct {
	tick     uint64
	line     []byte                 // as TickLine returns it
	place    string                 // file and line
	snapshot func() ([]byte, error) // nil if the side does not know the snapshot
}

// Difference is the first tick at which two runs differ.
type Difference struct {
	Tick   uint64    // 0 if only the snapshots after the last tick differ
	Places [2]string // file and line on each side
	// Fields are the fields that differ, in the order of the first side.
	Fields []Field
	// Ended names the side that has no more ticks while the other one has. Fields is
	// empty then.
	Ended string
}

// Field is one field that differs, with its values as JSON; "" on a side that does not have
// the field.
type Field struct {
	Path       string // "actions[0].start_daemon.daemon.id"
	One, Other string
}

// Compare compares two runs tick by tick: the actions that were handed out, and the
// snapshots if both sides know them. It returns the first difference, or nil if there is
// none, and the number of ticks that were equal.
func Compare(one, other Side) (*Difference, uint64, error) {
	for ticks := uint64(0); ; ticks++ {
		a, errA := one.next()
		if errA != nil && !errors.Is(errA, io.EOF) {
			return nil, ticks, errA
		}
		b, errB := other.next()
		if errB != nil && !errors.Is(errB, io.EOF) {
			return nil, ticks, errB
		}
		switch {
		case errA != nil && errB != nil:
			d, err := compareEnds(one, other)
			return d, ticks, err
		case errA != nil:
			return &Difference{Tick: b.tick, Places: [2]string{"", b.place}, Ended: one.Name()}, ticks, nil
		case errB != nil:
			return &Difference{Tick: a.tick, Places: [2]string{a.place, ""}, Ended: other.Name()}, ticks, nil
		}
		fields, err := compareFrames(a, b)
		if err != nil {
			return nil, ticks, err
		}
		if len(fields) > 0 {
			return &Difference{Tick: a.tick, Places: [2]string{a.place, b.place}, Fields: fields}, ticks, nil
		}
	}
}

func compareFrames(a, b frame) ([]Field, error) {
	fields, err := compareLines(a.line, b.line)
	if err != nil || a.snapshot == nil || b.snapshot == nil {
		return fields, err
	}
	snapA, err := a.snapshot()
	if err != nil {
		return nil, err
	}
	snapB, err := b.snapshot()
	if err != nil {
		return nil, err
	}
	more, err := compareLines(snapA, snapB)
	return append(fields, more...), err
}

func compareEnds(one, other Side) (*Difference, error) {
	a, err := one.last()
	if err != nil {
		return nil, err
	}
	b, err := other.last()
	if err != nil || a == nil || b == nil {
		return nil, err
	}
	fields, err := compareLines(a, b)
	if err != nil || len(fields) == 0 {
		return nil, err
	}
	return &Difference{Fields: fields}, nil
}

// compareLines compares two lines of JSON. Most are equal byte for byte, so that is
// checked first.
func compareLines(a, b []byte) ([]Field, error) {
	if bytes.Equal(a, b) {
		return nil, nil
	}
	return differences(a, b)
}

// ReplayedSide returns the side of a journal that is replayed up to the tick until (0: up
// to its end).
func ReplayedSide(name string, p *Replay, until uint64) Side {
	return &replayedSide{name: name, replay: p, until: until}
}

type replayedSide struct {
	name   string
	replay *Replay
	until  uint64
	ticks  uint64
}

func (s *replayedSide) Name() string { return s.name }

func (s *replayedSide) next() (frame, error) {
	if s.until > 0 && s.ticks >= s.until {
		return frame{}, io.EOF
	}
	t, err := s.replay.Next()
	if err != nil {
		return frame{}, err
	}
	s.ticks = t.Number
	line, err := TickLine(t)
	if err != nil {
		return frame{}, err
	}
	place := fmt.Sprintf("%s:%d", t.File, t.Line)
	return frame{tick: t.Number, line: line, place: place, snapshot: s.last}, nil
}

func (s *replayedSide) last() ([]byte, error) { return lineOf(s.replay.Snapshot()) }

func lineOf(s *snapshot.Snapshot) ([]byte, error) {
	if s == nil {
		return nil, nil
	}
	return SnapshotLine(s)
}

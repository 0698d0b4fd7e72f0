package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/meshos/meshos/host/snapshot"
)

// Side is one of two runs that are compared: a journal that is replayed, or what an
// earlier replay printed.
type Side interface {
	// Name is what people call it: the file.
	Name() string
	// next gives the next tick; io.EOF at the end.
	next() (frame, error)
	// last gives the line of the snapshot after the end; nil when there is none.
	last() ([]byte, error)
}

// frame is what a side shows of one tick.
type frame struct {
	tick     uint64
	line     []byte // as TickLine gives it
	place    string
	snapshot func() ([]byte, error) // nil when it is not known
}

// Difference is the first tick at which two runs differ.
type Difference struct {
	Tick   uint64 // 0 for what comes after the last tick
	Places [2]string
	// Fields are what differs, in the order of the first side. When Ended is set,
	// there are none: that side has no more ticks, and the other one has.
	Fields []Field
	Ended  string
}

// Field is one field that differs, each value as JSON; "" where there is none.
type Field struct {
	Path       string // "actions[0].start_daemon.daemon.id"
	One, Other string
}

// Compare compares two runs tick by tick: the actions handed out, and the snapshots
// where both sides know them. It returns nil when they are equal, and how many ticks
// it compared.
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

// compareLines compares two lines of JSON; most are equal to the byte.
func compareLines(a, b []byte) ([]Field, error) {
	if bytes.Equal(a, b) {
		return nil, nil
	}
	return differences(a, b)
}

// ReplayedSide replays a journal to compare it, up to the tick until; 0 for all.
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

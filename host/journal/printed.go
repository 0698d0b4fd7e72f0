package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// PrintedSide reads what an earlier replay printed, to compare it, up to the tick
// until; 0 for all.
func PrintedSide(name string, from io.Reader, until uint64) Side {
	return &printedSide{name: name, lines: newLines(from), until: until}
}

type printedSide struct {
	name     string
	lines    *lines
	until    uint64
	ticks    uint64
	snapshot []byte // the last line, once it was read
}

// printedLine is a line that replay prints.
type printedLine struct {
	Tick     *uint64         `json:"tick"`
	Snapshot json.RawMessage `json:"snapshot"`
}

func (s *printedSide) Name() string { return s.name }

func (s *printedSide) next() (frame, error) {
	if s.snapshot != nil {
		return frame{}, io.EOF
	}
	line, err := s.lines.next()
	if err != nil {
		return frame{}, s.wrong(err)
	}
	var read printedLine
	if err := json.Unmarshal(line, &read); err != nil {
		return frame{}, s.wrong(err)
	}
	switch {
	case read.Snapshot != nil:
		s.snapshot = bytes.Clone(line)
		return frame{}, io.EOF
	case read.Tick == nil:
		return frame{}, s.wrong(errors.New(`wants {"tick":…} or {"snapshot":…}, as replay prints them`))
	}
	s.ticks++
	if s.until > 0 && s.ticks > s.until {
		return frame{}, io.EOF
	}
	return frame{tick: *read.Tick, line: bytes.Clone(line), place: fmt.Sprintf("%s:%d", s.name, s.lines.n)}, nil
}

func (s *printedSide) last() ([]byte, error) { return s.snapshot, nil }

func (s *printedSide) wrong(err error) error {
	if errors.Is(err, io.EOF) {
		return err
	}
	return &DamageError{File: s.name, Line: s.lines.n, Problem: err.Error()}
}

// Printed says whether what from begins with is printed by replay, and no journal.
// It reads ahead without taking anything away.
func Printed(from *bufio.Reader) bool {
	head, _ := from.Peek(len(`{"snapshot":`))
	return bytes.HasPrefix(head, []byte(`{"tick":`)) || bytes.HasPrefix(head, []byte(`{"snapshot":`))
}

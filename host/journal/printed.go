package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// PrintedSide returns the side of what an earlier replay printed, up to the tick until (0:
// up to its end).
func PrintedSide(name string, from io.Reader, until uint64) Side {
	return &printedSide{name: name, lines: newLines(from), until: until}
}

type printedSide struct {
	name     string
	lines    *lines
	until    uint64
	ticks    uint64
	snapshot []byte // the last line, if it is a snapshot and was read
}

// printedLine is a line of a replay's output.
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
		return frame{}, s.wrong(errors.New(`must begin with {"tick":…} or {"snapshot":…}, as replay prints them`))
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

// Printed reports whether from holds the output of a replay, and not a journal. It looks
// ahead and consumes nothing.
func Printed(from *bufio.Reader) bool {
	head, _ := from.Peek(len(`{"snapshot":`))
	return bytes.HasPrefix(head, []byte(`{"tick":`)) || bytes.HasPrefix(head, []byte(`{"snapshot":`))
}

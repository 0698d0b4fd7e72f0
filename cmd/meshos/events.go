package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/internal/readfile"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// maxEvents bounds a file of events, in bytes.
const maxEvents = 64 << 20

// readEvents reads the events of all arguments, then those of the file.
func (a *app) readEvents(args []string, file string) ([]namedEvent, error) {
	var events []namedEvent
	for i, arg := range args {
		name := fmt.Sprintf("argument %d", i+1)
		parsed, err := parseEvents(name, []byte(arg))
		if err != nil {
			return nil, err
		}
		if len(parsed) == 1 {
			parsed[0].number, parsed[0].line = 0, 0
		}
		events = append(events, parsed...)
	}
	if file == "" {
		return events, nil
	}
	name, raw, err := file, []byte(nil), error(nil)
	if file == "-" {
		name = "standard input"
		raw, err = readfile.All(name, a.in, maxEvents)
	} else {
		raw, err = readfile.Read(file, maxEvents)
	}
	if err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
	parsed, err := parseEvents(name, readfile.WithoutBOM(raw))
	return append(events, parsed...), err
}

// namedEvent is an encoded event with where it came from. A file may have a million of them, so
// the place becomes text only when it is needed.
type namedEvent struct {
	source string // "argument 2", "events.jsonl"
	number int    // in the source; 0 if that has one only
	line   int    // in the source; 0 if that has one only
	raw    []byte
}

// name returns "argument 2", or "events.jsonl, event 3 (line 3)".
func (e *namedEvent) name() string {
	name := e.source
	if e.number > 0 {
		name += fmt.Sprintf(", event %d", e.number)
	}
	return name + inLine(e.line)
}

// newEvent encodes an event that comes from somewhere else than a text.
func newEvent(source string, event *meshosv1.Event) (namedEvent, error) {
	raw, err := proto.Marshal(event)
	if err != nil {
		return namedEvent{}, fmt.Errorf("%s: %w", source, err)
	}
	return namedEvent{source: source, raw: raw}, nil
}

// parseEvents reads any number of events, one after the other or in lists.
func parseEvents(name string, raw []byte) ([]namedEvent, error) {
	p := &eventParser{name: name, raw: raw, lines: newLines(raw), fast: newFastDecoder()}
	for {
		p.parsePlain()
		if more, err := p.parseNext(); !more {
			return p.events, err
		}
	}
}

// eventParser reads the events of a text.
type eventParser struct {
	name   string
	raw    []byte
	at     int // the offset up to which raw was read
	lines  *lines
	fast   *fastDecoder
	arena  []byte // where encoded events are put, many in one piece
	events []namedEvent
}

// arenaSize is the size of such a piece.
const arenaSize = 256 << 10

// parsePlain reads the lines that hold one plainly written event each, up to one that does not.
func (p *eventParser) parsePlain() {
	for p.at < len(p.raw) {
		line, end := p.raw[p.at:], len(p.raw)
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line, end = line[:i], p.at+i+1
		}
		if cap(p.arena)-len(p.arena) < len(line) {
			p.arena = make([]byte, 0, max(arenaSize, len(line)))
		}
		begin := len(p.arena)
		arena, ok := p.fast.decode(p.arena, line)
		if !ok {
			return
		}
		p.arena = arena
		p.add(arena[begin:len(arena):len(arena)], p.lines.at(int64(p.at)))
		p.at = end
	}
}

// parseNext reads the next event, or list of events, however it is written. more is false at
// the end.
func (p *eventParser) parseNext() (more bool, err error) {
	rest := p.raw[p.at:]
	decoder := json.NewDecoder(bytes.NewReader(rest))
	var value json.RawMessage
	err = decoder.Decode(&value)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s%s: not JSON: %w", p.name, inLine(p.lines.at(int64(p.at)+faultAt(err, decoder.InputOffset(), rest))), err)
	}
	line := p.lines.at(int64(p.at) + decoder.InputOffset() - int64(len(value)))
	p.at += int(decoder.InputOffset())
	items := []json.RawMessage{value}
	if value[0] == '[' {
		if err := json.Unmarshal(value, &items); err != nil {
			return false, fmt.Errorf("%s%s: not JSON: %w", p.name, inLine(line), err)
		}
	}
	for _, item := range items {
		event, place := &meshosv1.Event{}, namedEvent{source: p.name, number: len(p.events) + 1, line: line}
		if err := protojson.Unmarshal(item, event); err != nil {
			return false, fmt.Errorf("%s: %s", place.name(), protoMessage(err))
		}
		encoded, err := proto.Marshal(event)
		if err != nil {
			return false, fmt.Errorf("%s: %w", place.name(), err)
		}
		p.add(encoded, line)
	}
	return true, nil
}

func (p *eventParser) add(encoded []byte, line int) {
	p.events = append(p.events, namedEvent{source: p.name, number: len(p.events) + 1, line: line, raw: encoded})
}

// faultAt returns the offset in raw at which a decoder found something that is not JSON.
func faultAt(err error, read int64, raw []byte) int64 {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return int64(len(bytes.TrimSpace(raw)))
	case errors.As(err, &syntax):
		return syntax.Offset
	}
	return read
}

// lines finds the line numbers of a text.
type lines struct {
	raw     []byte
	several bool // the text has more than one line
	counted int  // the offset up to which line breaks were counted
	line    int
}

func newLines(raw []byte) *lines {
	return &lines{raw: raw, several: bytes.Contains(bytes.TrimSpace(raw), []byte("\n")), line: 1}
}

// at returns the line of an offset, or 0 for a text of one line. It continues from the last
// offset, so that a long file is not counted again for each of its events.
func (l *lines) at(offset int64) int {
	if !l.several {
		return 0
	}
	to := int(min(max(0, offset), int64(len(l.raw))))
	if to < l.counted {
		l.counted, l.line = 0, 1
	}
	l.line += bytes.Count(l.raw[l.counted:to], []byte("\n"))
	l.counted = to
	return l.line
}

// inLine returns " (line 3)", or "" for 0.
func inLine(line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf(" (line %d)", line)
}

// protoMessage returns the message of a protojson error without its prefix, which varies on
// purpose.
func protoMessage(err error) string {
	message := strings.TrimPrefix(err.Error(), "proto:")
	message = strings.TrimLeft(message, " \u00a0")
	if rest, found := strings.CutPrefix(message, "syntax error "); found {
		message = rest
	}
	return strings.ReplaceAll(message, "\u00a0", " ")
}

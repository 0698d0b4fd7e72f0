package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

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
			parsed[0].name = name
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

// parseEvents reads any number of events, one after the other or in lists.
func parseEvents(name string, raw []byte) ([]namedEvent, error) {
	var events []namedEvent
	decoder, lines := json.NewDecoder(bytes.NewReader(raw)), newLines(raw)
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s%s: not JSON: %w", name, lines.at(faultAt(err, decoder.InputOffset(), raw)), err)
		}
		at := lines.at(decoder.InputOffset() - int64(len(value)))
		items := []json.RawMessage{value}
		if value[0] == '[' {
			if err := json.Unmarshal(value, &items); err != nil {
				return nil, fmt.Errorf("%s%s: not JSON: %w", name, at, err)
			}
		}
		for _, item := range items {
			event := &meshosv1.Event{}
			place := fmt.Sprintf("%s, event %d%s", name, len(events)+1, at)
			if err := protojson.Unmarshal(item, event); err != nil {
				return nil, fmt.Errorf("%s: %s", place, protoMessage(err))
			}
			events = append(events, namedEvent{name: place, event: event})
		}
	}
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

// at returns " (line 3)" for an offset, or "" for a text of one line. It continues from the
// last offset, so that a long file is not counted again for each of its events.
func (l *lines) at(offset int64) string {
	if !l.several {
		return ""
	}
	to := int(min(max(0, offset), int64(len(l.raw))))
	if to < l.counted {
		l.counted, l.line = 0, 1
	}
	l.line += bytes.Count(l.raw[l.counted:to], []byte("\n"))
	l.counted = to
	return fmt.Sprintf(" (line %d)", l.line)
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

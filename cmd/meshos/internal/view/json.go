package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// JSON prints a message as the contract's JSON, with the contract's field names: indented
// for people, or as one line for programs. Equal messages print equally.
func JSON(w io.Writer, message proto.Message, oneLine bool) error {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	if err != nil {
		return fmt.Errorf("print as JSON: %w", err)
	}
	var b bytes.Buffer // protojson varies its white space on purpose
	if oneLine {
		err = json.Compact(&b, raw)
	} else {
		err = json.Indent(&b, raw, "", "  ")
	}
	if err != nil {
		return fmt.Errorf("print as JSON: %w", err)
	}
	b.WriteByte('\n')
	_, err = io.WriteString(w, escaped(b.String()))
	return err
}

// escaped writes what could steer a terminal as \u sequences. In JSON such characters
// occur only in strings, whose meaning stays the same.
func escaped(text string) string {
	var b strings.Builder
	done := 0
	for i, r := range text {
		if r < ' ' || unicode.IsPrint(r) { // the only control characters left in JSON are line breaks
			continue
		}
		b.WriteString(text[done:i])
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, "\\u%04x", unit)
		}
		done = i + utf8.RuneLen(r)
	}
	b.WriteString(text[done:])
	return b.String()
}

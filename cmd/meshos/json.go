package main

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

// writeJSON prints a message as the contract's JSON, with the contract's names,
// indented for people or as one line for programs.
func writeJSON(w io.Writer, message proto.Message, oneLine bool) error {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	if err != nil {
		return fmt.Errorf("print as JSON: %w", err)
	}
	// protojson varies its white space on purpose; equal answers should look equal.
	var b bytes.Buffer
	if oneLine {
		err = json.Compact(&b, raw)
	} else {
		err = json.Indent(&b, raw, "", "  ")
	}
	if err != nil {
		return fmt.Errorf("print as JSON: %w", err)
	}
	b.WriteByte('\n')
	_, err = io.WriteString(w, harmless(b.String()))
	return err
}

// harmless escapes what could steer a terminal. In JSON it can only stand in strings,
// which mean the same afterwards.
func harmless(text string) string {
	var b strings.Builder
	done := 0
	for i, r := range text {
		if r < ' ' || unicode.IsPrint(r) { // of the former JSON leaves the breaks between lines
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

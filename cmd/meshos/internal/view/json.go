package view

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// JSON prints a message as the contract's JSON, with the contract's field names: indented
// for people, or as one line for programs. Equal messages print equally. Hashes and nonces
// are hexadecimal digits, as in all other output and as flags take them, and not base64.
func JSON(w io.Writer, message proto.Message, oneLine bool) error {
	return JSONWith(w, message, oneLine, "", "")
}

// JSONWith is JSON with one more key at the end, unless its value is empty.
func JSONWith(w io.Writer, message proto.Message, oneLine bool, key, value string) error {
	raw, err := MarshalJSON(message)
	if err == nil && value != "" {
		var quoted []byte
		if quoted, err = json.Marshal(map[string]string{key: value}); err == nil {
			raw = joinObjects(raw, quoted)
		}
	}
	if err != nil {
		return fmt.Errorf("print as JSON: %w", err)
	}
	return printJSON(w, raw, oneLine)
}

// ContractJSON prints a message as one line that every implementation of protobuf reads
// back: hashes and nonces are base64.
func ContractJSON(w io.Writer, message proto.Message) error {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	if err != nil {
		return fmt.Errorf("print as JSON: %w", err)
	}
	return printJSON(w, raw, true)
}

func printJSON(w io.Writer, raw []byte, oneLine bool) (err error) {
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

// MarshalJSON returns what JSON prints, with white space that varies.
func MarshalJSON(message proto.Message) ([]byte, error) {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	if err != nil {
		return nil, err
	}
	return inHex(raw), nil
}

// joinObjects returns an object with the keys of both.
func joinObjects(a, b []byte) []byte {
	a = bytes.TrimSuffix(bytes.TrimSpace(a), []byte("}"))
	if !bytes.HasSuffix(bytes.TrimSpace(a), []byte("{")) {
		a = append(a, ',')
	}
	return append(a, b[1:]...)
}

// hashFields are the fields of the contract that hold a hash, or a nonce. A test compares
// them with the contract.
const hashFields = "admin_state|blast_hash|commit_id|founding|head|nonce|prev|signers"

var hashField = regexp.MustCompile(`"(` + hashFields + `)":\s*"([A-Za-z0-9+/]*=*)"`)

// inHex writes the values of these fields in hexadecimal digits. In JSON a quote within a
// string has a backslash before it, so nothing but a key can look like one.
func inHex(raw []byte) []byte {
	return hashField.ReplaceAllFunc(raw, func(found []byte) []byte {
		parts := hashField.FindSubmatch(found)
		value, err := base64.StdEncoding.DecodeString(string(parts[2]))
		if err != nil {
			return found
		}
		return fmt.Appendf(nil, `"%s":"%x"`, parts[1], value)
	})
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

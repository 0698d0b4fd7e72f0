package signers

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/internal/readfile"
)

// Namespace is the SSHSIG namespace in which commands are signed.
const Namespace = "meshos-admin"

// Bounds of a file.
const (
	MaxSize  = 1 << 20 // bytes
	MaxLines = 10_000
	// MaxLine bounds one line, in bytes: audit records quote it.
	MaxLine = 8 << 10
)

// Load reads a file, a regular one only and within a time. The error is a *Damage if its
// content is wrong. Nobody is an operator by an error: callers keep the set that they have,
// or have operators whom they do not know.
func Load(path string) (*Set, error) {
	text, err := readfile.Read(path, MaxSize)
	var large *readfile.TooLargeError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge(path)
	case err != nil:
		return nil, fmt.Errorf("file of signers: %w", err)
	}
	return Parse(path, string(text), time.Local)
}

// Parse reads the text of a file. Messages call it file; zone is the time zone of times
// without a Z. The error is a *Damage that lists all mistakes. A file with a single
// mistake is refused as a whole, since the wrong line may be the one that revokes a key.
func Parse(file, text string, zone *time.Location) (*Set, error) {
	damage := &Damage{File: file}
	set := &Set{byKey: make(map[sshsig.Key][]int)}
	if len(text) > MaxSize {
		return nil, tooLarge(file)
	}
	names := newAlike()
	var elsewhere []Entry // that may not sign commands
	text = readfile.WithoutBOM(text)
	for n, line := range strings.Split(text, "\n") {
		if n >= MaxLines {
			damage.add(n+1, fmt.Sprintf("there are more than %d lines", MaxLines))
			break
		}
		line = strings.Trim(line, " \t\r")
		if line == "" || line[0] == '#' {
			continue
		}
		if len(line) > MaxLine {
			damage.add(n+1, fmt.Sprintf("is longer than %d bytes", MaxLine))
			continue
		}
		entry, ours, err := parseLine(line, zone)
		if err != nil {
			damage.add(n+1, err.Error())
			continue
		}
		entry.Line = n + 1
		if !ours {
			elsewhere = append(elsewhere, entry)
			if entry.Key != (sshsig.Key{}) {
				set.others = append(set.others, entry)
			}
			continue
		}
		if err := names.add(entry); err != nil {
			damage.add(n+1, err.Error())
			continue
		}
		set.byKey[entry.Key] = append(set.byKey[entry.Key], len(set.entries))
		set.entries = append(set.entries, entry)
	}
	for _, entry := range elsewhere {
		if err := names.check(entry); err != nil {
			set.doubts = append(set.doubts, Problem{entry.Line, err.Error()})
		}
	}
	if len(damage.Problems) > 0 {
		return nil, damage
	}
	return set, nil
}

// parseLine reads one line: principals, options if there are any, type, key and a
// comment. ours is false for an entry whose namespaces exclude commands: such a file is
// shared with other uses, and may allow these what commands may not have. Its key is set only
// if it could sign commands.
func parseLine(line string, zone *time.Location) (e Entry, ours bool, err error) {
	if err := isText(line); err != nil {
		return e, false, err
	}
	e.Touch = sshsig.TouchRequired
	principals, rest := cutPrincipals(line)
	if err := e.principals(principals); err != nil {
		return e, false, err
	}
	field, rest := cutField(rest)
	authority := false
	if field != "" && !isKeyType(field) {
		if authority, err = e.options(field, zone); err != nil {
			return e, false, err
		}
		field, rest = cutField(rest)
	}
	if len(e.Namespaces) > 0 && !matchList(Namespace, e.Namespaces) {
		if blob, _ := cutField(rest); !authority {
			e.Key, _ = parseKey(field, blob)
		}
		return e, false, nil
	}
	if authority {
		return e, false, errAuthority
	}
	if err := unseen(principals); err != nil {
		return e, false, err
	}
	blob, _ := cutField(rest)
	if field == "" || blob == "" {
		return e, false, errors.New("needs principals, a key type and a key: alice ssh-ed25519 AAAA…")
	}
	e.Key, err = parseKey(field, blob)
	return e, true, err
}

func parseKey(kind, blob string) (sshsig.Key, error) {
	if !isKeyType(kind) {
		return sshsig.Key{}, fmt.Errorf("%q is not a key type", shortened(kind))
	}
	if kind != sshsig.TypeEd25519 && kind != sshsig.TypeSKEd25519 {
		return sshsig.Key{}, fmt.Errorf("a key of type %s may not sign commands; use %s or %s, "+
			`or add namespaces="…" without %s to keep it for other uses`,
			shortened(kind), sshsig.TypeEd25519, sshsig.TypeSKEd25519, Namespace)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(blob)
	if err != nil {
		return sshsig.Key{}, errors.New("the key is not base64")
	}
	key, err := sshsig.ParseKey(raw)
	if err != nil {
		return sshsig.Key{}, err
	}
	if key.Type != kind {
		return sshsig.Key{}, fmt.Errorf("the line says %s, but the key is of type %s", kind, key.Type)
	}
	return key, nil
}

// isKeyType reports whether a field is a key type; no option begins like one.
func isKeyType(field string) bool {
	for _, prefix := range []string{"ssh-", "sk-", "ecdsa-", "rsa-", "webauthn-"} {
		if strings.HasPrefix(field, prefix) {
			return true
		}
	}
	return false
}

// cutPrincipals cuts off the first field. It goes on to the next quote if it has one.
func cutPrincipals(line string) (field, rest string) {
	end := strings.IndexAny(line, " \t\"")
	if end < 0 {
		return line, ""
	}
	field, rest = line[:end], line[end+1:]
	if line[end] == '"' {
		quoted, after, closed := strings.Cut(rest, `"`)
		if !closed {
			return "", ""
		}
		field, rest = field+quoted, after
	}
	return field, strings.TrimLeft(rest, " \t")
}

// isText returns an error for a line that is not text.
func isText(line string) error {
	if !utf8.ValidString(line) {
		return errors.New("contains bytes that are not text: save the file as UTF-8")
	}
	for _, r := range line {
		if unicode.IsControl(r) && r != '\t' {
			return fmt.Errorf("contains the control character U+%04X, which is not text: remove it", r)
		}
	}
	return nil
}

// cutField cuts off a field. White space in quotes does not end it.
func cutField(line string) (field, rest string) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line) && line[i+1] == '"':
			i++
		case c == '"':
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return line[:i], strings.TrimLeft(line[i:], " \t")
		}
	}
	return line, ""
}

package logkinds

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// parts are what a line consists of.
type parts struct {
	head    string // the message, without what differs from line to line
	cause   string // why, if a key of the line says so
	example string // whom or what it is about
}

// Keys of which the first that a line has says why, or whom it is about.
var (
	causeKeys   = [...]string{"reason", "why", "cause", "error", "err"}
	exampleKeys = [...]string{"name", "peer", "node", "daemon", "chain", "address", "target", "id"}
)

// field is the beginning of a key=value pair.
var field = regexp.MustCompile(` ([A-Za-z_@][A-Za-z0-9_.@-]*)=`)

// split finds the parts of a line: a message, and then key=value pairs.
func split(line string) parts {
	head, values := line, map[string]string{}
	if at := field.FindStringIndex(line); at != nil {
		head = line[:at[0]]
		pairs(line[at[0]:], values)
	}
	p := parts{head: masked(head)}
	for _, key := range causeKeys {
		if v := values[key]; v != "" {
			p.cause = v
			break
		}
	}
	for _, key := range exampleKeys {
		if v := values[key]; v != "" {
			p.example = v
			break
		}
	}
	return p
}

// pairs reads " a=b c=\"d e\"" as far as it has that form.
func pairs(text string, into map[string]string) {
	for {
		m := field.FindStringSubmatchIndex(text)
		if m == nil || m[0] != 0 {
			return
		}
		key, rest := text[m[2]:m[3]], text[m[1]:]
		end := strings.IndexByte(rest, ' ')
		if strings.HasPrefix(rest, `"`) {
			end = endOfQuoted(rest)
		}
		if end < 0 {
			end = len(rest)
		}
		value := rest[:end]
		if strings.HasPrefix(value, `"`) {
			var plain string
			if json.Unmarshal([]byte(value), &plain) == nil {
				value = plain
			}
		}
		into[key], text = value, rest[end:]
	}
}

// endOfQuoted returns where a text in quotes ends; -1 if it does not.
func endOfQuoted(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// masked puts … for each word with a digit, such as a number, an address or a time: lines of
// one kind differ in them.
func masked(text string) string {
	if !strings.ContainsFunc(text, unicode.IsDigit) {
		return text
	}
	words := strings.Split(text, " ")
	for i, word := range words {
		if !strings.ContainsFunc(word, unicode.IsDigit) {
			continue
		}
		core := strings.TrimRight(word, ":;,.)]}\"'")
		words[i] = "…" + word[len(core):]
	}
	return strings.Join(words, " ")
}

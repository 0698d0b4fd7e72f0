package process

import (
	"bytes"
	"encoding/hex"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// MarkVariable is in the environment of every process that a Spawner starts. Its value is
// different for each start, and children inherit it: so a process that left the session of its
// parent, and whose parent has ended, still shows what it was started by.
const MarkVariable = "MESHOS_RUN"

// maxEnviron bounds how much of an environment is searched for a mark.
const maxEnviron = 4 << 20

// NewMark returns a mark that no other start has.
func NewMark() string {
	var b [12]byte
	_, _ = unix.Getrandom(b[:], 0) // never fails for so few bytes, and crypto/rand is much for a small program
	return hex.EncodeToString(b[:])
}

// MarkOf returns the mark in an environment; "" if it has none.
func MarkOf(env []string) string {
	mark := ""
	for _, kv := range env {
		if value, ok := strings.CutPrefix(kv, MarkVariable+"="); ok {
			mark = value
		}
	}
	return mark
}

// markOf returns the mark of a process; "" if it has none, or if this process may not know.
func markOf(pid int) string {
	file, err := os.Open("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	text, _ := io.ReadAll(io.LimitReader(file, maxEnviron)) // an error when it ends meanwhile
	for variable := range bytes.SplitSeq(text, []byte{0}) {
		if value, ok := bytes.CutPrefix(variable, []byte(MarkVariable+"=")); ok {
			return string(value)
		}
	}
	return ""
}

// Marked returns the living processes that have this mark.
func Marked(mark string) []Identity {
	if mark == "" {
		return nil
	}
	t := processes()
	return t.identities(slices.Collect(func(yield func(int) bool) {
		for pid, s := range t {
			if s.state != 'Z' && s.state != 'X' && markOf(pid) == mark && !yield(pid) {
				return
			}
		}
	}))
}

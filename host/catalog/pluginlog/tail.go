package pluginlog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meshos/meshos/internal/plaintext"
)

const (
	tailLength       = 50   // remembered lines of a process that does not crash
	rememberedLength = 1000 // bytes of a remembered line

	// Of a process that crashes: the lines before the crash, the first lines of the
	// crash, which say why, and the last ones.
	crashBefore, crashHead, crashTail = 10, 25, 15
)

// tail is what is remembered of the output of one process.
type tail struct {
	before, crash []string // set once the process crashes; until then all is in last
	omitted       int      // lines between crash and last that were dropped
	last          []string

	message string // the last one of level INFO or above
	raw     bool   // message is a line that was not parsed yet
}

// add remembers a line of stderr.
func (t *tail) add(line string) {
	limit := tailLength
	switch {
	case t.crash == nil && beginsCrash(line):
		t.before, t.last, t.omitted = t.last[max(0, len(t.last)-crashBefore):], nil, 0
		t.crash = append(t.crash, line)
		return
	case t.crash != nil && len(t.crash) < crashHead:
		t.crash = append(t.crash, line)
		return
	case t.crash != nil:
		limit = crashTail
	}
	if len(t.last) >= limit {
		t.last = append(t.last[:0], t.last[1:]...)
		t.omitted++
	}
	t.last = append(t.last, line)
}

// lines returns what is remembered, oldest first.
func (t *tail) lines() []string {
	out := slices.Concat(t.before, t.crash)
	if t.crash != nil && t.omitted > 0 {
		out = append(out, fmt.Sprintf("… %d lines left out …", t.omitted))
	}
	out = append(out, t.last...)
	for i := range out {
		out[i] = plaintext.Clean(out[i], rememberedLength)
	}
	return out
}

// lastMessage returns the message that says most about the end of the process: the
// first line of its crash if it crashed, else the last message of level INFO or above.
func (t *tail) lastMessage() (message string, crashed bool) {
	if len(t.crash) > 0 {
		return plaintext.Clean(t.crash[0], rememberedLength), true
	}
	message = t.message
	if t.raw {
		var p parser
		_, message = p.parse(message)
	}
	return plaintext.Clean(message, rememberedLength), false
}

// clip copies the beginning of a long line, so that remembering it does not keep all of
// it in memory. It leaves one byte too many, so that Clean marks the line as cut.
func clip(line string) string {
	if len(line) > rememberedLength {
		return strings.Clone(line[:rememberedLength+1])
	}
	return line
}

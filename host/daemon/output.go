package daemon

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/meshos/meshos/host/mesh"
)

const (
	// maxLines in lineWindow is what one daemon may say; the node's log holds 2048.
	maxLines   = 500
	lineWindow = 5 * time.Second
	// maxLast bounds the line of stderr that goes into the reason of a crash, in bytes.
	maxLast = 256
)

// output turns what one daemon printed into lines of the node's log. How much is too
// much goes by when it was printed: what waited for a node that was away is as
// welcome as it would have been then.
type output struct {
	put        func(mesh.LogLine) bool // waits for room; false when nobody takes lines any more
	try        func(mesh.LogLine)      // does not wait
	daemon     mesh.DaemonID
	suppressed *atomic.Uint64

	mu        sync.Mutex
	windowEnd time.Time
	lines     int    // in this window
	held      uint64 // suppressed, not said yet
}

// line gives a line that was printed at a time. False says that it was not taken
// and is to be given again.
func (o *output) line(level mesh.LogLevel, text string, at time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !at.Before(o.windowEnd) || o.windowEnd.Sub(at) > lineWindow { // or the clock was set back
		if !o.sayHeld() {
			return false
		}
		o.windowEnd, o.lines = at.Add(lineWindow), 0
	}
	if o.lines == maxLines {
		o.suppressed.Add(1)
		o.held++
		return true
	}
	if !o.put(mesh.LogLine{Level: level, Daemon: o.daemon, Message: text}) {
		return false
	}
	o.lines++
	return true
}

// due gives when it has to be said that lines were suppressed, if any were.
func (o *output) due() (at time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.windowEnd, o.held > 0
}

// end says how many lines were suppressed, if any.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sayHeld()
}

func (o *output) sayHeld() bool {
	if o.held == 0 {
		return true
	}
	text := fmt.Sprintf("meshos: %d lines suppressed: more than %d in %v", o.held, maxLines, lineWindow)
	if !o.put(mesh.LogLine{Level: mesh.LevelWarn, Daemon: o.daemon, Message: text}) {
		return false
	}
	o.held = 0
	return true
}

// say adds a line of the node's own about the daemon; it counts for no limit, and is
// dropped rather than waited for.
func (o *output) say(level mesh.LogLevel, format string, args ...any) {
	o.try(mesh.LogLine{Level: level, Daemon: o.daemon, Message: "meshos: " + fmt.Sprintf(format, args...)})
}

// short cuts a line to what a reason may hold.
func short(line string) string {
	if len(line) <= maxLast {
		return line
	}
	end := maxLast
	for !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + "…"
}

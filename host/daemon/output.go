package daemon

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

const (
	maxLine = 8 << 10 // bytes
	// maxLines in lineWindow is what one daemon may say; the node's log holds 2048.
	maxLines   = 500
	lineWindow = 5 * time.Second
	// maxLast bounds the line of stderr that goes into the reason of a crash.
	maxLast = 256
)

// output turns what one process prints into lines of the node's log.
type output struct {
	events              Events
	daemon              mesh.DaemonID
	dropped, suppressed *atomic.Uint64

	mu        sync.Mutex
	windowEnd time.Time
	lines     int         // in this window
	held      uint64      // suppressed, not said yet
	flush     *time.Timer // says it when the window ends
	last      string      // on stderr
}

// read takes lines from r until it ends.
func (o *output) read(r io.Reader, level mesh.LogLevel) {
	process.ReadLines(r, maxLine, func(line string, cut bool) {
		if cut {
			line += fmt.Sprintf(" … (cut at %d bytes)", maxLine)
		}
		o.line(level, line)
	})
}

func (o *output) line(level mesh.LogLevel, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if level == mesh.LevelWarn && strings.TrimSpace(text) != "" {
		o.last = text
	}
	if now := time.Now(); !now.Before(o.windowEnd) {
		o.sayHeld()
		o.windowEnd, o.lines = now.Add(lineWindow), 0
	}
	if o.lines == maxLines {
		o.suppressed.Add(1)
		if o.held++; o.held == 1 {
			o.flush = time.AfterFunc(time.Until(o.windowEnd), o.end)
		}
		return
	}
	o.lines++
	o.put(level, text)
}

// end says how many lines were suppressed, if any.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sayHeld()
}

func (o *output) sayHeld() {
	if o.held == 0 {
		return
	}
	o.flush.Stop()
	o.put(mesh.LevelWarn, fmt.Sprintf("meshos: %d lines suppressed: more than %d in %v", o.held, maxLines, lineWindow))
	o.held = 0
}

// say adds a line of the node's own about the daemon; it counts for no limit.
func (o *output) say(level mesh.LogLevel, format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.put(level, "meshos: "+fmt.Sprintf(format, args...))
}

func (o *output) put(level mesh.LogLevel, text string) {
	if o.events.TryPublish(mesh.LogLine{Level: level, Daemon: o.daemon, Message: text}) != nil {
		o.dropped.Add(1)
	}
}

// lastError is the last line of stderr, short enough for a reason.
func (o *output) lastError() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	line := strings.TrimSpace(o.last)
	if len(line) <= maxLast {
		return line
	}
	end := maxLast
	for !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + "…"
}

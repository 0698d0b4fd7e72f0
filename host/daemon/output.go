package daemon

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/host/mesh"
)

const (
	// maxLines is how many lines of one daemon are logged in a lineWindow; the node's log
	// holds 2048. The shim stores no more; those of earlier versions did.
	maxLines   = spool.MaxLines
	lineWindow = spool.Window
	// maxLast bounds the line of stderr that goes into the reason of a crash, in bytes.
	maxLast = 256
)

// output turns what one daemon printed into lines of the node's log, not more than maxLines in
// a lineWindow. The times are those when the lines were printed, so that lines that waited for
// a node that was away are treated as they would have been then.
type output struct {
	publish    func(mesh.LogLine) bool // waits while the queue is full; false if the loop takes no more lines
	tryPublish func(mesh.LogLine)      // drops the line if the queue is full
	daemon     mesh.DaemonID
	suppressed *atomic.Uint64

	mu         sync.Mutex
	windowEnd  time.Time
	lines      int    // in this window
	unreported uint64 // lines that were suppressed and not reported yet
}

// line logs a line that was printed at a time. It reports whether the line is logged or
// suppressed, and whether it was handled; if not, call it again with the same line.
func (o *output) line(level mesh.LogLevel, text string, at time.Time, place mesh.OutputPlace) (logged, handled bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !at.Before(o.windowEnd) || o.windowEnd.Sub(at) > lineWindow { // or the clock was set back
		if !o.reportSuppressed() {
			return false, false
		}
		o.windowEnd, o.lines = at.Add(lineWindow), 0
	}
	if o.lines == maxLines {
		o.suppressed.Add(1)
		o.unreported++
		return false, true
	}
	if !o.publish(mesh.LogLine{Level: level, Daemon: o.daemon, Message: text, Output: place}) {
		return false, false
	}
	o.lines++
	return true, true
}

// flushAt returns when flush is due, and false if no lines were suppressed.
func (o *output) flushAt() (at time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.windowEnd, o.unreported > 0
}

// flush reports how many lines were suppressed, if any.
func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reportSuppressed()
}

func (o *output) reportSuppressed() bool {
	if o.unreported == 0 {
		return true
	}
	if !o.publishSuppressed(o.unreported, mesh.OutputPlace{}) {
		return false
	}
	o.unreported = 0
	return true
}

// suppressedBefore logs that lines were suppressed before they reached the node. It reports
// whether that was handled, as line does.
func (o *output) suppressedBefore(n uint64, place mesh.OutputPlace) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.publishSuppressed(n, place) {
		return false
	}
	o.suppressed.Add(n)
	return true
}

func (o *output) publishSuppressed(n uint64, place mesh.OutputPlace) bool {
	text := fmt.Sprintf("meshos: %d lines suppressed: more than %d in %v", n, maxLines, lineWindow)
	return o.publish(mesh.LogLine{Level: mesh.LevelWarn, Daemon: o.daemon, Message: text, Output: place})
}

// lost logs that lines are lost.
func (o *output) lost(n int, why string) {
	_ = o.publish(mesh.LogLine{Level: mesh.LevelWarn, Daemon: o.daemon, Message: fmt.Sprintf("meshos: %d lines lost: %s", n, why)})
}

// note logs a line of the node's own about the daemon. It does not count for the limit, and is
// dropped if the queue is full.
func (o *output) note(level mesh.LogLevel, format string, args ...any) {
	o.tryPublish(mesh.LogLine{Level: level, Daemon: o.daemon, Message: "meshos: " + fmt.Sprintf(format, args...)})
}

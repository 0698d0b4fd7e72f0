package shim

import (
	"strconv"
	"sync"
	"time"

	"github.com/meshos/meshos/host/daemon/spool"
)

// limiter stores what a daemon prints, up to a number of lines in each window, and counts the
// rest: a flood costs neither the disk nor the node more than that.
type limiter struct {
	writer *spool.Writer

	mu         sync.Mutex
	windowEnd  time.Time
	lines      int         // in this window
	suppressed uint64      // in this window
	report     *time.Timer // set while there are suppressed lines
}

// resume goes on in a window that ends after a while, in which so many lines were stored and
// suppressed.
func (l *limiter) resume(lines int, suppressed uint64, ends time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines, l.windowEnd = lines, time.Now().Add(ends)
	if suppressed > 0 {
		l.add(int(suppressed))
	}
}

// wanted reports whether a line would be stored now.
func (l *limiter) wanted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.room(time.Now())
}

// line stores a line, or counts it.
func (l *limiter) line(stream spool.Stream, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.room(now) {
		l.add(1)
		return
	}
	if l.lines == 0 {
		l.windowEnd = now.Add(spool.Window)
	}
	l.lines++
	l.writer.Line(now, stream, text)
}

// suppress counts lines that are not stored.
func (l *limiter) suppress(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(n)
}

// close reports what is not reported yet. Nothing comes after it.
func (l *limiter) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

// The others are called with mu held.

// room reports whether there is room in the window, and begins a new one when it is over.
func (l *limiter) room(now time.Time) bool {
	if l.lines > 0 && !now.Before(l.windowEnd) {
		l.end()
	}
	return l.lines < spool.MaxLines
}

func (l *limiter) add(n int) {
	if l.suppressed == 0 {
		l.report = time.AfterFunc(time.Until(l.windowEnd), func() { // the daemon may be silent from now on
			l.mu.Lock()
			defer l.mu.Unlock()
			l.room(time.Now())
		})
	}
	l.suppressed += uint64(n)
}

// end ends the window.
func (l *limiter) end() {
	if l.suppressed > 0 {
		l.report.Stop()
		l.writer.Line(time.Now(), spool.Suppressed, strconv.FormatUint(l.suppressed, 10))
	}
	l.lines, l.suppressed = 0, 0
}

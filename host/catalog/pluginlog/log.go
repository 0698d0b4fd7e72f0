package pluginlog

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/meshos/meshos/host/mesh"
)

// How many lines whoever writes to the node's log may write: a plugin on stderr, and
// everybody who brings lines as events.
const (
	LinesPerSecond = 200  // for long
	LinesAtOnce    = 1000 // in a burst
)

// Log takes the output of one plugin, over all its processes. Its methods are safe for
// concurrent use.
type Log struct {
	log   func(level mesh.LogLevel, message string)
	now   func() time.Time
	limit *rate.Limiter

	mu         sync.Mutex
	suppressed int       // lines that were dropped and not reported yet
	reportedAt time.Time // when dropped lines were reported last
	current    tail      // of the running or the last process
	previous   []string  // what is remembered of the process before
}

// New returns a Log that passes lines on to log. now is the clock of its limits.
func New(now func() time.Time, log func(level mesh.LogLevel, message string)) *Log {
	return &Log{log: log, now: now, limit: rate.NewLimiter(LinesPerSecond, LinesAtOnce)}
}

// NextProcess separates the lines of the last process from those of the next one. Call
// it before a process starts.
func (l *Log) NextProcess() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lines := l.current.lines(); len(lines) > 0 {
		l.previous = lines
	}
	l.current = tail{}
}

// Lines returns the remembered lines of stderr, oldest first. Those of the process
// before the current one are included: people ask why that one ended.
func (l *Log) Lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.current.lines()
	switch {
	case len(l.previous) == 0:
		return lines
	case len(lines) == 0:
		return slices.Clone(l.previous)
	}
	return slices.Concat(l.previous, []string{"… that was the previous process; the current one:"}, lines)
}

// LastMessage returns the message of the current process that says most about its end:
// the first line of its crash if it crashed, else its last message of level INFO or
// above. It is "" if there is none.
func (l *Log) LastMessage() (message string, crashed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current.lastMessage()
}

// ReportSuppressed logs how many lines were suppressed since the last report. Call it
// when no more lines are expected.
func (l *Log) ReportSuppressed() {
	l.mu.Lock()
	n := l.suppressed
	l.suppressed = 0
	l.mu.Unlock()
	if n > 0 {
		l.log(mesh.LevelWarn, fmt.Sprintf("%d lines suppressed: more than %d a second", n, LinesPerSecond))
	}
}

// ReportSuppressedIfDue is ReportSuppressed at most once a second. The log calls it with
// every line; call it now and then as well, since a plugin may be silent after a flood.
func (l *Log) ReportSuppressedIfDue() {
	now := l.now()
	l.mu.Lock()
	due := l.suppressed > 0 && now.Sub(l.reportedAt) >= time.Second
	if due {
		l.reportedAt = now
	}
	l.mu.Unlock()
	if due {
		l.ReportSuppressed()
	}
}

// admit reports whether the next line may be passed on, and counts it as suppressed if
// not. It is called before the line is parsed: parsing a flood would keep the host busy.
func (l *Log) admit() bool {
	if l.limit.AllowN(l.now(), 1) {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.suppressed++
	return false
}

// pass passes on a line that was admitted.
func (l *Log) pass(level mesh.LogLevel, message string) {
	l.ReportSuppressedIfDue()
	l.log(level, message)
}

// remember keeps a line of stderr with the level and message that were found in it.
func (l *Log) remember(level mesh.LogLevel, message, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current.add(clip(line))
	if level >= mesh.LevelInfo {
		l.current.message, l.current.raw = clip(message), false
	}
}

// rememberRaw keeps a line of stderr that was not parsed.
func (l *Log) rememberRaw(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current.add(clip(line))
	l.current.message, l.current.raw = line, true
}

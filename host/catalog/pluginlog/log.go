package pluginlog

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/logkinds"
)

// How many lines whoever writes to the node's log may write: a plugin on stderr, and
// everybody who brings lines as events.
const (
	LinesPerSecond = 200  // for long
	LinesAtOnce    = 1000 // in a burst
)

// How many lines of a plugin are read at all: parsing costs time, and most lines of a flood that
// is worth reading are of one kind and counted together.
const (
	parsedPerSecond = 10 * LinesPerSecond
	parsedAtOnce    = 10 * LinesAtOnce
)

// Log takes the output of one plugin, over all its processes. Its methods are safe for
// concurrent use.
type Log struct {
	log    func(level mesh.LogLevel, message string)
	now    func() time.Time
	parsed *rate.Limiter
	limit  *rate.Limiter

	mu         sync.Mutex
	kinds      logkinds.Counter
	suppressed int       // lines that were dropped and not reported yet
	reportedAt time.Time // when dropped lines were reported last
	current    tail      // of the running or the last process
	previous   []string  // what is remembered of the process before
}

// New returns a Log that passes lines on to log. now is the clock of its limits.
func New(now func() time.Time, log func(level mesh.LogLevel, message string)) *Log {
	return &Log{
		log: log, now: now,
		parsed: rate.NewLimiter(parsedPerSecond, parsedAtOnce), limit: rate.NewLimiter(LinesPerSecond, LinesAtOnce),
	}
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

// Report logs how many lines were counted together or suppressed since the last report. Call
// it when no more lines are expected.
func (l *Log) Report() {
	l.mu.Lock()
	lines := append(l.kinds.Flush(), l.takeSuppressed()...)
	l.mu.Unlock()
	l.say(lines)
}

// ReportIfDue is Report for lines of which the time is over. The log calls it with every line;
// call it now and then as well, since a plugin may be silent after a flood.
func (l *Log) ReportIfDue() {
	now := l.now()
	l.mu.Lock()
	lines := l.kinds.Due(now)
	if now.Sub(l.reportedAt) >= time.Second {
		l.reportedAt = now
		lines = append(lines, l.takeSuppressed()...)
	}
	l.mu.Unlock()
	l.say(lines)
}

// takeSuppressed returns the line that says how many lines were suppressed, if any were. mu is
// held.
func (l *Log) takeSuppressed() []logkinds.Line {
	n := l.suppressed
	if n == 0 {
		return nil
	}
	l.suppressed = 0
	return []logkinds.Line{{Level: int(mesh.LevelWarn), Message: fmt.Sprintf("%d lines suppressed: more than %d a second", n, LinesPerSecond)}}
}

func (l *Log) say(lines []logkinds.Line) {
	for _, line := range lines {
		l.log(mesh.LogLevel(line.Level), line.Message)
	}
}

// admit reports whether the next line may be read, and counts it as suppressed if not. It is
// called before the line is parsed: parsing a flood would keep the host busy.
func (l *Log) admit() bool { return l.within(l.parsed) }

func (l *Log) within(limit *rate.Limiter) bool {
	if limit.AllowN(l.now(), 1) {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.suppressed++
	return false
}

// pass passes on a line that was admitted, or counts it with others of its kind.
func (l *Log) pass(level mesh.LogLevel, message string) {
	l.ReportIfDue()
	l.mu.Lock()
	show := l.kinds.Add(l.now(), logkinds.Line{Level: int(level), Message: message})
	l.mu.Unlock()
	if show {
		l.passAsIs(level, message)
	}
}

// passAsIs passes on a line that is not counted with others, such as one of a crash.
func (l *Log) passAsIs(level mesh.LogLevel, message string) {
	if l.within(l.limit) {
		l.log(level, message)
	}
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

package catalog

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/meshos/meshos/host/mesh"
)

const (
	linesPerSecond = 200  // that a plugin may log for long
	linesAtOnce    = 1000 // and in a burst
	tailLength     = 50   // lines of stderr that are remembered
	// Of a process that crashes: lines from before, the first lines of the crash,
	// which say why, and the last.
	crashBefore, crashHead, crashTail = 10, 25, 15
)

// logSink takes one plugin's lines: it remembers the last ones, and passes on as
// many as the node's log can bear. It is safe for concurrent use.
type logSink struct {
	log   func(level mesh.LogLevel, message string)
	now   func() time.Time
	limit *rate.Limiter

	mu         sync.Mutex
	suppressed int
	flushed    time.Time // when that was said last
	words      lastWords // of the present or the last process
	earlier    []string  // of the process before
}

// lastWords are the lines of one process that are remembered.
type lastWords struct {
	before, crash []string // once it crashed; before that all is in tail
	left          int      // lines between crash and tail that were left out
	tail          []string
	said          string // the last message that is no detail for developers
	raw           bool   // that is a line that nobody has looked at
}

// add remembers a line.
func (w *lastWords) add(line string) {
	limit := tailLength
	switch {
	case w.crash == nil && isCrash(line):
		w.before, w.tail, w.left = w.tail[max(0, len(w.tail)-crashBefore):], nil, 0
		w.crash = append(w.crash, line)
		return
	case w.crash != nil && len(w.crash) < crashHead:
		w.crash = append(w.crash, line)
		return
	case w.crash != nil:
		limit = crashTail
	}
	if len(w.tail) >= limit {
		w.tail = append(w.tail[:0], w.tail[1:]...)
		w.left++
	}
	w.tail = append(w.tail, line)
}

// all gives what is remembered, oldest first.
func (w *lastWords) all() []string {
	out := slices.Concat(w.before, w.crash)
	if w.crash != nil && w.left > 0 {
		out = append(out, fmt.Sprintf("… %d lines left out …", w.left))
	}
	out = append(out, w.tail...)
	for i := range out {
		out[i] = clean(out[i], detailLength)
	}
	return out
}

func newLogSink(now func() time.Time, log func(mesh.LogLevel, string)) *logSink {
	return &logSink{log: log, now: now, limit: rate.NewLimiter(linesPerSecond, linesAtOnce)}
}

// fresh puts the last process's lines aside, before the next one starts.
func (s *logSink) fresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if lines := s.words.all(); len(lines) > 0 {
		s.earlier = lines
	}
	s.words = lastWords{}
}

// line passes a line on, or counts it.
func (s *logSink) line(level mesh.LogLevel, message string) {
	if s.admits() {
		s.pass(level, message)
	}
}

// admits says whether the next line may be passed on, and counts it if not. It comes
// before a line is looked at, since a flood would keep the host busy with that alone.
func (s *logSink) admits() bool {
	if s.limit.AllowN(s.now(), 1) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.suppressed++
	return false
}

// pass passes a line on that was admitted, and says once a second what was not.
func (s *logSink) pass(level mesh.LogLevel, message string) {
	s.flushDue()
	s.log(level, message)
}

// flushDue says how many lines were left out, if that was not said within the last
// second. It is for the end of a flood as well, after which nothing may be said.
func (s *logSink) flushDue() {
	now := s.now()
	s.mu.Lock()
	due := s.suppressed > 0 && now.Sub(s.flushed) >= time.Second
	if due {
		s.flushed = now
	}
	s.mu.Unlock()
	if due {
		s.flush()
	}
}

// flush says how many lines were left out since it was said last.
func (s *logSink) flush() {
	s.mu.Lock()
	n := s.suppressed
	s.suppressed = 0
	s.mu.Unlock()
	if n > 0 {
		s.log(mesh.LevelWarn, fmt.Sprintf("%d lines suppressed: more than %d a second", n, linesPerSecond))
	}
}

// remember keeps a line of stderr for whoever asks how the process ended.
func (s *logSink) remember(level mesh.LogLevel, message, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.words.add(clip(line))
	if level >= mesh.LevelInfo {
		s.words.said, s.words.raw = clip(message), false
	}
}

// rememberRaw is remember for a line that nobody has looked at.
func (s *logSink) rememberRaw(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.words.add(clip(line))
	s.words.said, s.words.raw = line, true
}

// clip keeps a long line from holding memory.
func clip(line string) string {
	if len(line) > detailLength {
		return strings.Clone(line[:detailLength+1]) // so that clean marks it as cut
	}
	return line
}

// last gives the remembered lines, oldest first: those of the process before as
// well, since it is its end that people ask about.
func (s *logSink) last() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.words.all()
	switch {
	case len(s.earlier) == 0:
		return lines
	case len(lines) == 0:
		return slices.Clone(s.earlier)
	}
	return slices.Concat(s.earlier, []string{"… that was the process before; the present one:"}, lines)
}

// telling gives what the present process said that tells most about its end: the
// first line of its crash, else the last message that is no detail for developers;
// crashed says which.
func (s *logSink) telling() (message string, crashed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.words.crash) > 0 {
		return clean(s.words.crash[0], detailLength), true
	}
	message = s.words.said
	if s.words.raw {
		var parser lineParser
		_, message = parser.parse(message)
	}
	return clean(message, detailLength), false
}

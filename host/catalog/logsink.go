package catalog

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/meshos/meshos/host/mesh"
)

const (
	linesPerSecond = 200  // that a plugin may log for long
	linesAtOnce    = 1000 // and in a burst
	tailLength     = 50   // lines of stderr that are remembered
)

// logSink takes one plugin's lines: it remembers the last ones, and passes on as
// many as the node's log can bear. It is safe for concurrent use.
type logSink struct {
	log   func(level mesh.LogLevel, message string)
	now   func() time.Time
	limit *rate.Limiter

	mu         sync.Mutex
	suppressed int
	tail       []string // of the present or the last process
}

func newLogSink(now func() time.Time, log func(mesh.LogLevel, string)) *logSink {
	return &logSink{log: log, now: now, limit: rate.NewLimiter(linesPerSecond, linesAtOnce)}
}

// fresh forgets the last process's lines, before the next one starts.
func (s *logSink) fresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tail = nil
}

// line passes a line on, or counts it.
func (s *logSink) line(level mesh.LogLevel, message string) {
	if !s.limit.AllowN(s.now(), 1) {
		s.mu.Lock()
		s.suppressed++
		s.mu.Unlock()
		return
	}
	s.flush()
	s.log(level, message)
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
func (s *logSink) remember(line string) {
	line = clean(line, detailLength)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tail) >= tailLength {
		s.tail = append(s.tail[:0], s.tail[1:]...)
	}
	s.tail = append(s.tail, line)
}

// last gives the remembered lines, oldest first.
func (s *logSink) last() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.tail...)
}

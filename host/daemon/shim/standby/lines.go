package standby

import (
	"syscall"
	"unicode/utf8"
)

// stream is one of the daemon's.
type stream struct {
	fd      int // -1 once it has ended
	word    string
	isError bool
	rest    *[]byte // what was read and is not stored
}

const (
	// atOnce is how much is read at once.
	atOnce = 4096
	// keptError is how much is kept of the last line on stderr; a record holds no more.
	keptError = 512
)

// take reads from a stream and stores the lines, and reports false if that is for the whole shim.
// What is not stored is in rest.
func (w *standby) take(s *stream) bool {
	if cap(*s.rest) < int(w.MaxLine)+atOnce {
		*s.rest = append(make([]byte, 0, int(w.MaxLine)+atOnce), *s.rest...)
	}
	have := len(*s.rest)
	b := (*s.rest)[:cap(*s.rest)]
	n, err := syscall.Read(s.fd, b[have:])
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return true
	}
	if n <= 0 {
		s.fd = -1
		ok := have == 0 || w.store(s, b[:have])
		if ok {
			*s.rest = b[:0]
		}
		return ok
	}
	b = b[:have+n]
	begin := 0
	for i := have; i < len(b); i++ {
		if b[i] != '\n' {
			continue
		}
		if !w.store(s, b[begin:i]) {
			*s.rest = b[begin:]
			return false
		}
		begin = i + 1
	}
	*s.rest = b[:copy(b, b[begin:])]
	return len(*s.rest) <= int(w.MaxLine)+1 && !w.pace.flood(n, now(clockMonotonic))
}

// store stores a line without its line feed, or counts it; false if it can't.
func (w *standby) store(s *stream, line []byte) bool {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) > int(w.MaxLine) {
		return false
	}
	if s.isError && !blank(line) {
		w.LastError = append(w.LastError[:0], line[:min(len(line), keptError)]...)
	}
	at := now(clockMonotonic)
	if !w.endWindow(at) {
		return false
	}
	if w.Lines >= w.MaxLines {
		w.Suppressed++
		return true
	}
	if !w.put(s.word, line) {
		return false
	}
	if w.Lines == 0 {
		w.WindowEnd = at + w.Window
	}
	w.Lines++
	return true
}

// due returns how long it may wait, in nanoseconds; negative for ever.
func (w *standby) due() int64 {
	if w.Suppressed == 0 {
		return -1
	}
	return max(0, int64(w.WindowEnd-now(clockMonotonic)))
}

// endWindow begins another window when this one is over, and stores how many lines were
// suppressed in it; false if it can't.
func (w *standby) endWindow(at uint64) bool {
	if w.Lines == 0 || at < w.WindowEnd {
		return true
	}
	if w.Suppressed > 0 {
		var b [20]byte
		if !w.put("sup", appendDecimal(b[:0], w.Suppressed, 1)) {
			return false
		}
	}
	w.Lines, w.Suppressed = 0, 0
	return true
}

// put appends a whole line to the output, or nothing.
func (w *standby) put(word string, line []byte) bool {
	if w.line == nil {
		w.line = make([]byte, 0, w.MaxLine+64)
		w.know()
	}
	if !sameFile(w.path, &w.file) {
		return false
	}
	b := appendStamp(w.line[:0], now(clockRealtime))
	b = append(append(append(b, ' '), word...), ' ')
	b = append(appendValid(b, line), '\n')
	w.line = b[:0]
	n, err := syscall.Write(w.Output, b)
	if n != len(b) || err != nil {
		if n > 0 {
			_ = syscall.Ftruncate(w.Output, int64(w.Size))
		}
		return false
	}
	if w.Size += uint64(n); w.Size >= w.SegmentSize {
		w.rotate()
	}
	return true
}

// rotate begins a new segment and drops the oldest one. If it can't, the old segment grows on,
// and the next line tries again.
func (w *standby) rotate() {
	next, err := syscall.Open(w.segment(w.Segment+1), syscall.O_RDWR|syscall.O_CREAT|syscall.O_APPEND|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return
	}
	_ = syscall.Close(w.Output)
	var info syscall.Stat_t
	_ = syscall.Fstat(next, &info)
	w.Output, w.Size = next, uint64(info.Size)
	w.Segment++
	w.know()
	if w.Segment > w.Segments {
		_ = syscall.Unlink(w.segment(w.Segment - w.Segments))
	}
}

// know notes the path of the segment, and which file it is.
func (w *standby) know() {
	w.path = append([]byte(w.segment(w.Segment)), 0)
	_ = syscall.Fstat(w.Output, &w.file)
}

// segment returns the path of a segment.
func (w *standby) segment(n uint64) string {
	b := append(append([]byte(nil), w.Dir...), "/out."...)
	return string(append(appendDecimal(b, n, 8), ".log"...))
}

func blank(line []byte) bool {
	for _, c := range line {
		if c > ' ' {
			return false
		}
	}
	return true
}

// appendValid appends a line in which each run of bytes that are not UTF-8 is one U+FFFD.
func appendValid(b, line []byte) []byte {
	if utf8.Valid(line) {
		return append(b, line...)
	}
	invalid := false
	for len(line) > 0 {
		r, size := utf8.DecodeRune(line)
		if r != utf8.RuneError || size > 1 {
			b, invalid = append(b, line[:size]...), false
		} else if !invalid {
			b, invalid = append(b, "\uFFFD"...), true
		}
		line = line[size:]
	}
	return b
}

package shim

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/meshos/meshos/host/daemon/shim/standby"
	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/host/process"
)

// maxLine is the length, in bytes, at which a line of output is cut.
const maxLine = 8 << 10

// readBuffer is how much is read at once. Pages of it that are not needed do not exist.
const readBuffer = 64 << 10

// output stores what a process prints in a spool.
type output struct {
	writer *spool.Writer
	limit  limiter
	both   sync.WaitGroup

	mu   sync.Mutex
	last string // on stderr
}

// collect starts reading both streams, and goes on from where a standby has read them, if that is
// not nil. Call wait of the output once the process has ended.
func (s *shim) collect(from *standby.State) {
	o := &output{writer: s.writer, limit: limiter{writer: s.writer}}
	var out, err []byte
	if from != nil {
		o.last, out, err = string(from.LastError), from.Out, from.Err
		o.limit.resume(int(from.Lines), from.Suppressed, time.Duration(from.WindowEnd)-uptime())
	}
	o.both.Go(func() { o.read(s.proc.Stdout(), spool.Out, out) })
	o.both.Go(func() { o.read(s.proc.Stderr(), spool.Err, err) })
	s.output = o
}

func (o *output) read(from io.Reader, stream spool.Stream, begin []byte) {
	process.Lines{
		Begin: begin,
		Max:   maxLine,
		Each: func(line string, cut bool) {
			if cut {
				line += fmt.Sprintf(" … (cut at %d bytes)", maxLine)
			}
			o.remember(stream, line)
			o.limit.line(stream, line)
		},
		Wanted: o.limit.wanted,
		Skipped: func(n int, last []byte) {
			if stream == spool.Err {
				o.remember(stream, strings.ToValidUTF8(string(last), "\uFFFD"))
			}
			o.limit.suppress(n)
		},
		Buffer: readBuffer,
	}.Read(&pacedReader{from: from})
}

// remember keeps the last line on stderr that is not blank.
func (o *output) remember(stream spool.Stream, line string) {
	if stream != spool.Err || strings.TrimSpace(line) == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = line
}

// note stores a line about the daemon that is not its own.
func (o *output) note(format string, args ...any) {
	o.writer.Line(time.Now(), spool.Note, fmt.Sprintf(format, args...))
}

// wait waits until everything is stored.
func (o *output) wait() {
	o.both.Wait()
	o.limit.close()
	_ = o.writer.Close()
}

// lost returns how many lines are neither stored nor counted in what is stored, and why. Call it
// after wait.
func (o *output) lost() (lines int, why string) {
	lines, cause := o.writer.Lost()
	if lines > 0 && cause != nil {
		why = cause.Error()
	}
	return lines, why
}

func (o *output) lastError() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(o.last)
}

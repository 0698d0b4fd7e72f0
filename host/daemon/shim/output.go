package shim

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/host/process"
)

// maxLine is the length, in bytes, at which a line of output is cut.
const maxLine = 8 << 10

// output stores what a process prints in a spool.
type output struct {
	writer *spool.Writer
	both   sync.WaitGroup

	mu   sync.Mutex
	last string // on stderr
}

// collect starts reading both streams. Call wait once the process has ended.
func collect(proc *process.Process, writer *spool.Writer) *output {
	o := &output{writer: writer}
	o.both.Go(func() { o.read(proc.Stdout(), spool.Out) })
	o.both.Go(func() { o.read(proc.Stderr(), spool.Err) })
	return o
}

func (o *output) read(from io.Reader, stream spool.Stream) {
	process.ReadLines(from, maxLine, func(line string, cut bool) {
		if cut {
			line += fmt.Sprintf(" … (cut at %d bytes)", maxLine)
		}
		if stream == spool.Err && strings.TrimSpace(line) != "" {
			o.mu.Lock()
			o.last = line
			o.mu.Unlock()
		}
		o.writer.Line(time.Now(), stream, line)
	})
}

// note stores a line about the daemon that is not its own.
func (o *output) note(format string, args ...any) {
	o.writer.Line(time.Now(), spool.Note, fmt.Sprintf(format, args...))
}

// wait waits until everything is stored.
func (o *output) wait() {
	o.both.Wait()
	_ = o.writer.Close()
}

func (o *output) lastError() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(o.last)
}

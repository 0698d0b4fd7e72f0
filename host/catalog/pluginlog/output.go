package pluginlog

import (
	"io"
	"time"

	"golang.org/x/time/rate"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/plaintext"
)

// How many bytes a plugin may write for long, and at once: much more than its log
// takes. A plugin that writes more has to wait; the host does not.
const (
	bytesPerSecond = 2 << 20
	bytesAtOnce    = 16 << 20
)

// pacedReader reads no faster than that.
type pacedReader struct {
	r     io.Reader
	limit *rate.Limiter
}

func newPacedReader(r io.Reader) *pacedReader {
	return &pacedReader{r, rate.NewLimiter(bytesPerSecond, bytesAtOnce)}
}

// Read implements io.Reader. A pause is short, since it grows with the bytes of one
// Read: nobody has to cut it short.
func (p *pacedReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	time.Sleep(p.limit.ReserveN(time.Now(), n).Delay())
	return n, err
}

// cutMark ends a line that was too long.
const cutMark = " … [cut]"

// ReadStderr reads a process's stderr until it ends. No line can do harm: go-plugin,
// which panics on some, never sees them.
func (l *Log) ReadStderr(r io.Reader) {
	var p parser
	process.ReadLines(newPacedReader(r), maxLine, func(line string, cut bool) {
		if line == "" {
			return
		}
		if cut {
			line += cutMark
		}
		if !l.admit() {
			p.skip(line)
			l.rememberRaw(line)
			return
		}
		level, message := p.parse(line)
		l.remember(level, message, line)
		if p.crashed {
			l.passAsIs(level, message)
		} else {
			l.pass(level, message)
		}
	})
}

// ReadStdout reads a process's stdout until it ends. It offers each line to handshake
// until that returns true for one; this line is not logged, all others are.
func (l *Log) ReadStdout(r io.Reader, handshake func(line string, cut bool) bool) {
	done := false
	process.ReadLines(newPacedReader(r), maxLine, func(line string, cut bool) {
		if !done && handshake(line, cut) {
			done = true
			return
		}
		if line == "" || !l.admit() {
			return
		}
		if cut {
			line += cutMark
		}
		if !done {
			l.pass(mesh.LevelWarn, "on stdout before the handshake, skipped: "+plaintext.Clean(line, rememberedLength))
			return
		}
		l.pass(parseText(plaintext.Clean(line, maxLine)))
	})
}

// Writer is a Log's stderr for code that writes instead of being read from: go-plugin
// writes to it what the plugin prints once its os.Stdout and os.Stderr are replaced.
type Writer struct {
	w    *io.PipeWriter
	done chan struct{}
}

// NewWriter returns a Writer to the log. Whoever asks for it closes it.
func (l *Log) NewWriter() *Writer {
	r, w := io.Pipe()
	out := &Writer{w: w, done: make(chan struct{})}
	go func() {
		defer close(out.done)
		l.ReadStderr(r)
	}()
	return out
}

// Write implements io.Writer. It never fails: an error would end go-plugin's reading,
// and that would block the plugin.
func (w *Writer) Write(b []byte) (int, error) {
	_, _ = w.w.Write(b)
	return len(b), nil
}

// Close returns when all that was written is in the log.
func (w *Writer) Close() {
	w.w.Close()
	<-w.done
}

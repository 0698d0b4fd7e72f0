package catalog

import (
	"io"
	"time"

	"golang.org/x/time/rate"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// What a plugin may write for long, and at once, in bytes: a good deal more than its
// log takes. One that writes more is held up by that, and not the host.
const (
	bytesPerSecond = 2 << 20
	bytesAtOnce    = 16 << 20
)

// paced reads no faster than that.
type paced struct {
	r     io.Reader
	limit *rate.Limiter
}

func newPaced(r io.Reader) *paced {
	return &paced{r, rate.NewLimiter(bytesPerSecond, bytesAtOnce)}
}

// Read implements io.Reader. Its pauses are as long as what was read is, so nobody
// need end them early.
func (p *paced) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	time.Sleep(p.limit.ReserveN(time.Now(), n).Delay())
	return n, err
}

// cutMark stands at the end of a line that was too long.
const cutMark = " … [cut]"

// readStderr drains a plugin's stderr into its sink until it ends. Nothing in it
// can hurt: go-plugin, which panics on some lines, never sees it.
func readStderr(r io.Reader, sink *logSink) {
	var parser lineParser
	process.ReadLines(newPaced(r), maxLine, func(line string, cut bool) {
		if line == "" {
			return
		}
		if cut {
			line += cutMark
		}
		if !sink.admits() {
			parser.watch(line)
			sink.rememberRaw(line)
			return
		}
		level, message := parser.parse(line)
		sink.remember(level, message, line)
		sink.pass(level, message)
	})
}

// readStdout drains a plugin's stdout until it ends. The first line that looks
// like a handshake goes to hello; the others are noise.
func readStdout(r io.Reader, sink *logSink, hello func(line string)) {
	greeted := false
	process.ReadLines(newPaced(r), maxLine, func(line string, cut bool) {
		switch {
		case !greeted && !cut && looksLikeHandshake(line):
			greeted = true
			hello(line)
		case line == "" || !sink.admits():
		case !greeted:
			if cut {
				line += cutMark
			}
			sink.pass(mesh.LevelWarn, "on stdout before the handshake, skipped: "+clean(line, detailLength))
		default:
			if cut {
				line += cutMark
			}
			sink.pass(parseText(clean(line, maxLine)))
		}
	})
}

// lineWriter is where go-plugin writes what a plugin printed by way of its
// replaced os.Stdout and os.Stderr. It cuts the stream into bounded lines.
type lineWriter struct {
	w    *io.PipeWriter
	done chan struct{}
}

// newLineWriter starts the reading; close ends it.
func newLineWriter(sink *logSink) *lineWriter {
	r, w := io.Pipe()
	l := &lineWriter{w: w, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		readStderr(r, sink)
	}()
	return l
}

// Write implements io.Writer; it never fails, since that would end go-plugin's
// reading and with it block the plugin.
func (l *lineWriter) Write(b []byte) (int, error) {
	_, _ = l.w.Write(b)
	return len(b), nil
}

func (l *lineWriter) close() {
	l.w.Close()
	<-l.done
}

package linewriter

import (
	"bytes"
	"sync"
	"time"
)

// maxWaiting is how many bytes wait for the descriptor at most.
const maxWaiting = 1 << 20

// Loss is what could not be written.
type Loss struct {
	Lines uint64
	Since time.Time // when the first of them was lost
	Cause error     // of the system; nil: nobody read the lines before
}

// entry is what waits to be written.
type entry struct {
	text []byte
	loss Loss // that the text reports; else Lines is 0
}

// Writer writes whole lines. Its methods may be called from any goroutine.
type Writer struct {
	to     descriptor
	report func(Loss) []byte
	room   int
	wake   chan struct{} // buffers one: there is something to write
	done   chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex
	waiting []entry
	bytes   int // of waiting
	loss    Loss
	total   uint64
	closing bool
}

// New returns a Writer to an open file descriptor. report returns the line that reports a loss,
// with its line end; it must not write to the Writer. Close it.
func New(fd uintptr, report func(Loss) []byte) *Writer { return newWriter(fd, maxWaiting, report) }

func newWriter(fd uintptr, room int, report func(Loss) []byte) *Writer {
	w := &Writer{
		to: descriptor{fd: int(fd), quit: make(chan struct{})}, report: report, room: room,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go w.run()
	return w
}

// Write takes a whole line, or several, with their line ends. It never waits and never fails.
func (w *Writer) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing || w.full(len(line)) {
		w.lose(countLines(line), nil)
		return len(line), nil
	}
	w.sayLoss()
	w.push(entry{text: bytes.Clone(line)})
	return len(line), nil
}

// Lost returns how many lines could not be written so far.
func (w *Writer) Lost() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

// Close waits until everything is written, but no longer than within, and reports whether it
// was. A write that hangs even then ends with the process. Lines that come later are lost.
func (w *Writer) Close(within time.Duration) bool {
	w.mu.Lock()
	first := !w.closing
	if first {
		w.sayLoss()
		w.closing = true
	}
	w.mu.Unlock()
	w.poke()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-w.done:
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.loss.Lines == 0
	case <-timer.C:
	}
	if first {
		close(w.to.quit)
	}
	return false
}

// run writes what waits, until the Writer is closed and nothing waits any more.
func (w *Writer) run() {
	defer close(w.done)
	for range w.wake {
		for {
			batch, more := w.take()
			if len(batch) == 0 {
				if !more {
					return
				}
				break
			}
			w.fail(w.to.writeAll(batch))
		}
	}
}

// maxBatch is how many bytes are written at once.
const maxBatch = 32 << 10

// take takes what is written next. It reports false if nothing will come any more.
func (w *Writer) take() (batch []entry, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 && w.loss.Cause == nil {
		w.sayLoss() // there is room again
	}
	size, n := 0, 0
	for ; n < len(w.waiting) && (n == 0 || size+len(w.waiting[n].text) <= maxBatch); n++ {
		size += len(w.waiting[n].text)
	}
	batch = append(batch, w.waiting[:n]...)
	w.waiting = append(w.waiting[:0], w.waiting[n:]...)
	w.bytes -= size
	return batch, !w.closing
}

// fail counts what could not be written.
func (w *Writer) fail(left []entry, cause error) {
	if len(left) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range left {
		if e.loss.Lines == 0 {
			w.lose(countLines(e.text), cause)
			continue
		}
		if w.loss.Lines == 0 || e.loss.Since.Before(w.loss.Since) {
			w.loss.Since = e.loss.Since
		}
		w.loss.Lines += e.loss.Lines
		w.loss.Cause = cause
	}
}

// full, push, sayLoss and lose are called with mu held.

// full reports whether there is no room for more bytes. After a loss half of the room has to be
// free, so that a slow reader does not get a report for every other line.
func (w *Writer) full(more int) bool {
	if w.loss.Lines > 0 && w.loss.Cause == nil && w.bytes > w.room/2 {
		return true
	}
	return w.bytes > 0 && w.bytes+more > w.room
}

// push adds what is to be written. A report may go beyond the room.
func (w *Writer) push(e entry) {
	w.waiting = append(w.waiting, e)
	w.bytes += len(e.text)
	w.poke()
}

// sayLoss adds the line that reports what was lost, if anything was.
func (w *Writer) sayLoss() {
	if w.loss.Lines > 0 {
		w.push(entry{text: w.report(w.loss), loss: w.loss})
		w.loss = Loss{}
	}
}

// lose counts lines that could not be written.
func (w *Writer) lose(lines uint64, cause error) {
	if w.loss.Lines == 0 {
		w.loss.Since = time.Now()
	}
	w.loss.Lines += lines
	w.loss.Cause = cause
	w.total += lines
}

func (w *Writer) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func countLines(b []byte) uint64 { return max(1, uint64(bytes.Count(b, []byte{'\n'}))) }

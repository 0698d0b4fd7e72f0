package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/guard"
)

// The defaults of Options.
const (
	defaultFileSize  = 64 << 20
	defaultTotalSize = 4 << 30
	defaultQueue     = 1 << 17
)

// backlogBytes is how much memory the entries that wait may take, about.
const backlogBytes = 20 << 20

// flushEvery bounds how much of a journal is lost when the node is killed.
const flushEvery = time.Second

// ErrOverrun is why a journal stops that cannot keep up with the loop.
var ErrOverrun = errors.New("the inputs came faster than they could be written")

// Options is what a Writer needs.
type Options struct {
	Path string     // FILE
	At   mesh.Stamp // when the node started
	Boot Boot

	// FileSize is the size in bytes at which a file ends and the next one begins; 0 for
	// 64 MiB.
	FileSize int64
	// TotalSize is the size in bytes of all files at which the journal stops; 0 for 4 GiB.
	TotalSize int64
	// Queue is how many entries may wait to be written; 0 for 131072.
	Queue int

	// Stopped is called once, with the reason, if the journal has to stop. It may be
	// called on the loop's goroutine and must not block. It may be nil.
	Stopped func(error)

	create func(path string) (file, error) // nil for real files
}

// Writer writes the journal of one run. Input and Tick are for one goroutine, the loop's,
// and never wait. If the disk is full, an input cannot be written or the queue is full, the
// journal stops for good: it holds every entry up to that point and none after it.
type Writer struct {
	queue   *backlog
	quit    chan struct{} // closed when no more entries come
	done    chan struct{} // closed when the file is closed
	stopped atomic.Bool
	onStop  func(error) // Options.Stopped
	index   uint64      // of the last entry taken; used by the loop's goroutine only

	mu     sync.Mutex
	ending bool
	err    error // why the journal stopped

	// Used by the writing goroutine only.
	parts *parts
	plain plainEncoder
}

// NewWriter begins a journal. It keeps the journal of the run before as FILE.old and
// removes the one that had that name. The caller closes the Writer.
func NewWriter(o Options) (*Writer, error) {
	if o.FileSize <= 0 {
		o.FileSize = defaultFileSize
	}
	if o.TotalSize <= 0 {
		o.TotalSize = defaultTotalSize
	}
	if o.Queue <= 0 {
		o.Queue = defaultQueue
	}
	if o.create == nil {
		o.create = create
	}
	cfg, err := readConfig("boot.config_toml", o.Boot.ConfigTOML)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	o.Boot.config = cfg
	parts, err := beginParts(o.Path, o.create, o.FileSize, o.TotalSize)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	w := &Writer{
		queue: newBacklog(o.Queue, backlogBytes), quit: make(chan struct{}), done: make(chan struct{}),
		onStop: o.Stopped, parts: parts,
	}
	w.take(Entry{At: o.At, Boot: &o.Boot})
	go w.run()
	return w, nil
}

// Input takes an input that is about to be folded.
func (w *Writer) Input(at mesh.Stamp, in mesh.Input) {
	if !w.stopped.Load() {
		w.take(Entry{At: at, Input: detached(in)})
	}
}

// Tick takes a tick that is about to be folded, with the room in the action queue, and
// whether it is an early one.
func (w *Writer) Tick(at mesh.Stamp, room int, early bool) {
	if !w.stopped.Load() {
		w.take(Entry{At: at, Tick: &Tick{Room: room, Early: early}})
	}
}

func (w *Writer) take(e Entry) {
	w.index++
	e.Index = w.index
	if !w.queue.put(e) {
		// The entries in the queue are still written, so the journal is complete up to here.
		w.stop(fmt.Errorf("%w: %d entries wait already", ErrOverrun, w.queue.waiting()))
	}
}

// Close writes the entries in the queue and waits for the disk until ctx is done. It
// returns nil if the journal is complete, and otherwise the reason. Input and Tick must not
// be called after it.
func (w *Writer) Close(ctx context.Context) error {
	w.stopped.Store(true)
	w.end(nil)
	select {
	case <-w.done:
	case <-ctx.Done():
		return fmt.Errorf("journal: not closed in time: %w", context.Cause(ctx))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// stop ends the journal for a reason, and reports the first one.
func (w *Writer) stop(err error) {
	w.stopped.Store(true)
	if w.end(fmt.Errorf("journal: %w", err)) && w.onStop != nil {
		w.onStop(w.err)
	}
}

// end makes the writing goroutine end. It reports whether err is the first error.
func (w *Writer) end(err error) (first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ending {
		w.ending = true
		close(w.quit)
	}
	if err == nil || w.err != nil {
		return false
	}
	w.err = err
	return true
}

// run writes until the end, and closes the file.
func (w *Writer) run() {
	defer close(w.done)
	err := w.writeAll()
	if ended := w.parts.close(); err == nil {
		err = ended
	}
	if err != nil {
		w.stop(err)
	}
}

func (w *Writer) writeAll() error {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-w.queue.ready:
			if err := w.writeQueued(ticker.C); err != nil {
				return err
			}
		case <-ticker.C:
			if err := w.parts.flush(); err != nil {
				return err
			}
		case <-w.quit:
			return w.writeQueued(ticker.C)
		}
	}
}

// writeQueued writes the entries in the queue, and flushes when it is time.
func (w *Writer) writeQueued(flush <-chan time.Time) error {
	for entries := w.queue.take(); entries != nil; entries = w.queue.take() {
		for _, e := range entries {
			if err := w.write(e); err != nil {
				return err
			}
		}
		select {
		case <-flush:
			if err := w.parts.flush(); err != nil {
				return err
			}
		default:
		}
	}
	return nil
}

// write writes one entry. An input that this version cannot write may make Encode panic.
func (w *Writer) write(e Entry) error {
	if line, ok := w.plain.encode(e); ok {
		return w.parts.write(line)
	}
	err := guard.Call(func() error {
		line, err := Encode(e)
		if err != nil {
			return err
		}
		return w.parts.write(line)
	})
	var panicked *guard.PanicError
	if errors.As(err, &panicked) {
		return fmt.Errorf("entry %d (%T): %w", e.Index, e.Input, err)
	}
	return err
}

// detached returns an input whose lists are copies: a probe may use its buffers again.
func detached(in mesh.Input) mesh.Input {
	switch in := in.(type) {
	case mesh.Samples:
		in.RTT, in.Health, in.Inventory = slices.Clone(in.RTT), slices.Clone(in.Health), slices.Clone(in.Inventory)
		return in
	case mesh.Migrations:
		in.InFlight = slices.Clone(in.InFlight)
		return in
	}
	return in
}

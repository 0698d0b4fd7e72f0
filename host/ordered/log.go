package ordered

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	"github.com/meshos/meshos/internal/unwritable"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// chainName is the name of the log in the headers of its files.
const chainName = "ordered"

// defaultFileSize is the size from which on a file of the log is sealed and the next one begun.
// Whole files are dropped, so up to twice as much stays that nothing needs.
const defaultFileSize = 256 << 10

// Options are what Open needs.
type Options struct {
	DataDir string // the node's; the log has a folder of its own in it
	Node    mesh.NodeID
	Now     func() time.Time // the wall clock
	Log     *slog.Logger
	// Report records a failure; it does not wait. It may be nil until orders are taken.
	Report func(source, reason string)

	fs       disk.FS // nil: the real folder
	fileSize int64   // 0: defaultFileSize
	// write replaces a checkpoint; nil: in the real folder.
	write func(dir, name string, c *meshosv1.OrderedCheckpoint) error
}

// Log is the ordered log of a node. Open it, Restore once, and Close it when nothing uses
// it any more; in between, any number of goroutines may use it.
type Log struct {
	opts Options
	dir  string

	turn  chan struct{} // holds a token while an order is written and queued
	chain *durable.Log  // nil until the disk has room for it; for the holder of the turn

	mu      sync.Mutex
	tail    place      // of the newest entry
	pending []place    // of the entries above the checkpoint, oldest first
	waiting []*request // in the order in which they came

	checkpoint *meshosv1.OrderedCheckpoint // as it was read, until it is taken; nil for none
	entries    []*meshosv1.OrderedEntry    // above it
	began      bool                        // with a checkpoint
	notes      []string                    // what was wrong, for people

	keeper keeper
	overs  overs

	keptMesh atomic.Uint64 // see KeptMeshHeight
}

// place is where an entry stands: its height, its hash, its number in the files, its time.
type place struct {
	height uint64
	head   hash
	record uint64
	at     time.Time
}

// Open reads what a node ordered so far. What is damaged is noted, see Notes. A
// *NewerError means that a newer version wrote some of it.
func Open(o Options) (*Log, error) {
	if o.write == nil {
		o.write = writeCheckpoint
	}
	if o.fileSize == 0 {
		o.fileSize = defaultFileSize
	}
	l := &Log{opts: o, dir: filepath.Join(o.DataDir, Folder), turn: make(chan struct{}, 1)}
	err := l.openChain()
	if err != nil && !unwritable.Is(err) {
		return nil, fmt.Errorf("orders: %w", err)
	}
	if err != nil { // a machine whose disk takes nothing still has daemons to run
		l.note("the node takes no orders until it can write them to disk: %v", err)
	}
	sweep(l.dir)
	if err := l.read(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	l.keptMesh.Store(l.MeshHeight())
	return l, nil
}

// openChain opens the files of the log.
func (l *Log) openChain() (err error) {
	fs := l.opts.fs
	if fs == nil {
		if fs, err = disk.Open(l.dir); err != nil {
			return err
		}
	}
	l.chain, err = durable.Open(durable.Options{FS: fs, Chain: chainName, SegmentSize: l.opts.fileSize, Now: l.opts.Now})
	return err
}

func (l *Log) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.notes = append(l.notes, text)
	l.opts.Log.Error("orders", "folder", l.dir, "problem", text)
}

// Notes returns what was wrong with what Open read.
func (l *Log) Notes() []string { return l.notes }

// Close closes the files. Nothing is lost if it is not called.
func (l *Log) Close() error {
	if l.chain == nil {
		return nil
	}
	return l.chain.Close()
}

func (l *Log) release() { <-l.turn }

// append writes entries to disk and returns their places. The caller holds the turn. After
// an error, an *UnavailableError, none of them counts.
func (l *Log) append(entries []*meshosv1.OrderedEntry) ([]mesh.Place, error) {
	if l.chain == nil {
		if err := l.openChain(); err != nil {
			return nil, &UnavailableError{Cause: err}
		}
	}
	l.mu.Lock()
	last := l.tail
	l.mu.Unlock()
	at := l.opts.Now().UTC().Round(0)
	if at.Before(last.at) {
		at = last.at // the clock was set back; the log's time does not go back
	}
	places := make([]mesh.Place, 0, len(entries))
	written := make([]place, 0, len(entries))
	raw := make([]segment.Entry, 0, len(entries))
	number := l.chain.Next()
	for _, e := range entries {
		data, err := placed(e, last.height+1, last.head, at)
		if err != nil {
			return nil, &UnavailableError{Cause: err}
		}
		last = place{height: last.height + 1, head: hashOf(data), record: number, at: at}
		number++
		raw = append(raw, segment.Entry{Kind: segment.KindRecord, Epoch: 1, Seq: last.height, Wall: at, Data: data})
		written = append(written, last)
		places = append(places, mesh.Place{Height: last.height, At: at})
	}
	err := l.chain.Append(raw)
	if err == nil {
		err = l.chain.Sync()
	}
	l.say()
	if err != nil {
		return nil, &UnavailableError{Cause: err}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = last
	l.pending = append(l.pending, written...)
	return places, nil
}

// say reports what was found wrong with the files while they were written.
func (l *Log) say() {
	for _, f := range l.chain.TakeFindings() {
		l.opts.Log.Error("orders", "folder", l.dir, "problem", f.Text)
		if l.opts.Report != nil {
			l.opts.Report("ordered", f.Text)
		}
	}
}

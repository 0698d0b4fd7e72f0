package records

import (
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
)

// Options are what Open needs.
type Options struct {
	// Dir is the folder of the node's records.
	Dir string
	// WitnessDir is a folder outside Dir that remembers what each appender was given, so that
	// an older Dir beside newer appenders is noticed; "" for none.
	WitnessDir string
	// Timeout bounds one Append. 0 is 10 s.
	Timeout time.Duration
	// EndWithin bounds how long the appenders get, once Run is to end, for the records
	// that they don't hold yet. 0 is 1 s.
	EndWithin time.Duration
	// Log, if set, receives what was found on disk, which appenders are back, and the
	// reports that the loop did not take.
	Log *slog.Logger

	// SegmentSize is about what a file grows to, in bytes; 0 is 16 MiB.
	SegmentSize int64
	// KeepSize and KeepAge bound each chain but audit; 0 for no bound. What is dropped for
	// its age is dropped as host/records/age allows.
	KeepSize int64
	KeepAge  time.Duration
	// Now is the wall clock; nil is time.Now. Elapsed is a clock that nobody sets; nil is the
	// process's own.
	Now     func() time.Time
	Elapsed func() time.Duration
	// AuditLimit is the size of the audit chain, in bytes, from which on AuditFull
	// reports true; 0 for never. Records of what was refused do not count; they may use
	// a tenth of it beside the others.
	AuditLimit int64

	// OpenChain returns the folder of a chain. nil is a real one below Dir.
	OpenChain func(chain string) (disk.FS, error)
}

// Records are the node's logs on disk, and the appenders that follow them. Open them,
// subscribe the appenders, then run them once.
//
// AuditFull, AppendFailures, Durable and Read may be called by anybody from Open on,
// but for Subscribe, which is over before.
type Records struct {
	opts        Options
	logs        perChain[*durable.Log]
	progress    *progress
	subscribers []*subscriber
	auditStuck  atomic.Bool // audit records can't be written
	refusals    refusals
	failures    atomic.Uint64           // appends that failed
	writeFails  perChain[atomic.Uint64] // writes and syncs that failed
	free        atomic.Int64            // what the disk has left, in bytes; negative if that is not known
	moved       chan struct{}           // buffers one wake-up for the goroutine that acknowledges
	running     atomic.Bool
}

// Open opens the logs of Dir and starts nothing. Its errors are those of the disk.
// The caller runs the Records or closes them.
func Open(o Options) (*Records, error) {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.EndWithin <= 0 {
		o.EndWithin = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Elapsed == nil {
		opened := time.Now()
		o.Elapsed = func() time.Duration { return time.Since(opened) }
	}
	if o.OpenChain == nil {
		o.OpenChain = func(chain string) (disk.FS, error) { return disk.Open(filepath.Join(o.Dir, chain)) }
	}
	r := &Records{opts: o, progress: newProgress(), moved: make(chan struct{}, 1)}
	r.free.Store(-1)
	if err := r.openLogs(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Records) openLogs() error {
	for _, c := range allChains() {
		fs, err := r.opts.OpenChain(c.String())
		if err != nil {
			return err
		}
		r.logs[c], err = durable.Open(durable.Options{
			FS: fs, Chain: c.String(), SegmentSize: r.opts.SegmentSize, KeepSize: r.opts.KeepSize, KeepAge: r.opts.KeepAge,
			Now: r.opts.Now,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close closes Records that were never run. Run closes what it was run on, and Close
// does nothing then.
func (r *Records) Close() error {
	if r.running.Load() {
		return nil
	}
	r.progress.end()
	return r.closeLogs()
}

func (r *Records) closeLogs() error {
	var all []error
	for _, l := range r.logs {
		if l != nil {
			all = append(all, l.Close())
		}
	}
	return errors.Join(all...)
}

// AppendFailures returns how many appends failed. Those that found nobody there
// (ErrAway) don't count.
func (r *Records) AppendFailures() uint64 { return r.failures.Load() }

// AuditFull reports whether audit records take as much space as they may, or can't be
// written at all. Then ordinary commands are to be refused with audit_full; the records
// of break-glass commands are still taken.
func (r *Records) AuditFull() bool {
	return r.auditStuck.Load() ||
		r.opts.AuditLimit > 0 && r.logs[mesh.ChainAudit].Bytes()-r.refusals.most(r.opts.AuditLimit) >= r.opts.AuditLimit
}

// wake wakes the goroutine that acknowledges.
func (r *Records) wake() {
	select {
	case r.moved <- struct{}{}:
	default: // it is about to wake already, and looks at everything then
	}
}

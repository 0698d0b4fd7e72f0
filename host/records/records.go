package records

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
)

// Subscription is an appender with the chains that it stores.
type Subscription struct {
	Appender Appender
	Chains   []mesh.RecordChain // none: all of them
}

// Options are what Records work with.
type Options struct {
	// Dir is the folder of the node's records.
	Dir       string
	Reader    Reader
	Feed      Feed
	Appenders []Subscription
	// Timeout bounds one Append. 0 is 10 s.
	Timeout time.Duration
	// Log, if set, hears of what was found on disk, of appenders that are back and of
	// reports nobody took.
	Log *slog.Logger

	// SegmentSize is about what a file grows to, in bytes; 0 is 16 MiB.
	SegmentSize int64
	// KeepSize and KeepAge bound each chain but audit; 0 for no bound.
	KeepSize int64
	KeepAge  time.Duration
	// AuditLimit is the size in bytes from which on AuditFull; 0 for never.
	AuditLimit int64

	// Open gives the folder of a chain. nil is a real one below Dir.
	Open func(chain string) (disk.FS, error)
}

// Records are the node's logs on disk, and the followers that bring them to
// appenders. Make them with New and run them once.
type Records struct {
	opts      Options
	logs      [len(marks{})]*durable.Log
	writer    *writer
	followers []*follower
	failures  atomic.Uint64
	moved     chan struct{} // has room for one: something got on
}

// New opens the logs of Dir, and does nothing more until Run. It refuses a chain that
// does not exist and two appenders of one name. Other errors are those of the disk.
func New(o Options) (*Records, error) {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Open == nil {
		o.Open = func(chain string) (disk.FS, error) { return disk.Open(filepath.Join(o.Dir, chain)) }
	}
	r := &Records{opts: o, moved: make(chan struct{}, 1)}
	for _, sub := range o.Appenders {
		if err := r.subscribe(sub); err != nil {
			return nil, err
		}
	}
	if err := r.open(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.writer = newWriter(r)
	for _, f := range r.followers {
		f.logs, f.progress = r.logs, r.writer.progress
	}
	return r, nil
}

func (r *Records) subscribe(sub Subscription) error {
	name := sub.Appender.Name()
	for _, other := range r.followers {
		if other.name == name {
			return fmt.Errorf("two appenders are named %q; a name must be unique", name)
		}
	}
	chains, err := inOrder(sub.Chains)
	if err != nil {
		return fmt.Errorf("appender %q: %w", name, err)
	}
	r.followers = append(r.followers, &follower{
		appender: sub.Appender, name: name, chains: chains,
		feed: r.opts.Feed, timeout: r.opts.Timeout, log: r.opts.Log,
		failures: &r.failures, advanced: r.nudge,
		cursors: cursorFile{path: filepath.Join(r.opts.Dir, cursorsName, name)},
	})
	return nil
}

func (r *Records) open() error {
	for _, c := range allChains() {
		fs, err := r.opts.Open(c.String())
		if err != nil {
			return err
		}
		r.logs[c], err = durable.Open(durable.Options{
			FS: fs, Chain: c.String(), SegmentSize: r.opts.SegmentSize, KeepSize: r.opts.KeepSize, KeepAge: r.opts.KeepAge,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close closes the files of Records that are not run.
func (r *Records) Close() error {
	var all []error
	for _, l := range r.logs {
		if l != nil {
			all = append(all, l.Close())
		}
	}
	return errors.Join(all...)
}

// Run writes what the snapshots bring and follows it until ctx ends. Then it writes
// the last ones, and each appender that was well gets 2 s for what is left; so end
// the loop before, and the appenders after it.
func (r *Records) Run(ctx context.Context) {
	followersEnd, endFollowers := context.WithCancel(context.WithoutCancel(ctx))
	defer endFollowers()
	var all sync.WaitGroup
	all.Go(func() {
		r.writer.run(ctx)
		endFollowers()
	})
	for _, one := range r.followers {
		all.Go(func() { one.run(followersEnd) })
	}
	all.Go(func() { r.acknowledge(followersEnd) })
	all.Wait()
	if err := r.Close(); err != nil {
		r.opts.Log.Error("records were not closed cleanly", "error", err)
	}
}

// AppendFailures counts the appends that failed; those that found nobody there
// (ErrAway) not. It may be called at any time.
func (r *Records) AppendFailures() uint64 { return r.failures.Load() }

// AuditFull says whether audit records take as much as they may, or can't be written
// at all. Then ordinary commands are to be refused with audit_full; the records of
// break-glass commands are still taken. It may be called at any time.
func (r *Records) AuditFull() bool {
	return r.writer.stuck.Load() ||
		r.opts.AuditLimit > 0 && r.logs[mesh.ChainAudit].Bytes() >= r.opts.AuditLimit
}

// nudge wakes the goroutine that acknowledges.
func (r *Records) nudge() {
	select {
	case r.moved <- struct{}{}:
	default: // it is to wake already, and looks at everything then
	}
}

func (f *follower) follows(c mesh.RecordChain) bool { return slices.Contains(f.chains, c) }

// inOrder gives chains once each, in the order of allChains; all for none.
func inOrder(chains []mesh.RecordChain) ([]mesh.RecordChain, error) {
	all := allChains()
	for _, c := range chains {
		if !slices.Contains(all, c) {
			return nil, fmt.Errorf("there is no chain of records %d; there are %s", c, names(all))
		}
	}
	if len(chains) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(c mesh.RecordChain) bool { return !slices.Contains(chains, c) }), nil
}

// names gives "audit, failure and log records".
func names(chains []mesh.RecordChain) string {
	words := make([]string, len(chains))
	for i, c := range chains {
		words[i] = c.String()
	}
	last := len(words) - 1
	if last > 0 {
		words = append([]string{strings.Join(words[:last], ", ")}, words[last])
	}
	return strings.Join(words, " and ") + " records"
}

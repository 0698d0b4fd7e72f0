package main

import (
	"context"
	"errors"
	"time"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const rereadAfter = 250 * time.Millisecond

// Follow brings the log to the host from the end of its record on, and what there is to say of
// the others. What the log takes now is heard; what was missed is read.
func (n *node) Follow(ctx context.Context, from *pluginv1.FollowRequest, send func(*pluginv1.MeshBatch) error) error {
	ctx, end := n.follows.begin(ctx)
	defer end()
	if from.GetHeight() > 0 {
		n.mayCreate.Store(true)
	}
	f := &following{node: n, next: from.GetHeight() + 1, got: make(chan stretch)}
	ctx, cancel := context.WithCancel(ctx)
	defer f.wait()
	defer cancel()
	for {
		changed := n.board.changed.wait()
		batch := f.collect(ctx)
		if batch != nil {
			if err := send(batch); err != nil {
				return err
			}
			continue
		}
		select {
		case <-changed:
		case <-n.joins.changed:
		case <-n.failures.changed:
		case read := <-f.got:
			f.reading = false
			if skip := f.next - read.from; skip < uint64(len(read.entries)) { // the others were heard meanwhile
				f.read = read.entries[skip:]
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// following is one call of Follow.
type following struct {
	*node
	next    uint64 // height that the host gets next
	told    news
	read    []*meshosv1.LoggedEntry // that are not sent yet, from next on
	reading bool
	got     chan stretch
	done    chan struct{}
}

// stretch is a part of the log.
type stretch struct {
	from    uint64
	entries []*meshosv1.LoggedEntry
}

// collect returns what is new for the host, or nil.
func (f *following) collect(ctx context.Context) *pluginv1.MeshBatch {
	batch := f.board.since(&f.told)
	joining, failed := f.joins.take(), f.failures.take()
	entries, more := f.read, true
	f.read = nil
	if len(entries) == 0 {
		entries, more = f.board.take(f.next)
	}
	f.next += uint64(len(entries))
	if more && len(entries) == 0 && !f.reading {
		f.readOn(ctx)
	}
	if len(entries) == 0 && len(joining) == 0 && len(failed) == 0 {
		return batch
	}
	if batch == nil {
		batch = &pluginv1.MeshBatch{}
	}
	batch.Ordered, batch.Joining, batch.Failures = entries, joining, failed
	return batch
}

// readOn reads what the host lacks, beside everything else. It tries until there is something,
// or what was missing was heard.
func (f *following) readOn(ctx context.Context) {
	f.wait()
	f.reading, f.done = true, make(chan struct{})
	go func(from uint64, done chan struct{}) {
		defer close(done)
		entries := f.readFrom(ctx, from)
		select {
		case f.got <- stretch{from, entries}:
		case <-ctx.Done():
		}
	}(f.next, f.done)
}

func (f *following) readFrom(ctx context.Context, from uint64) []*meshosv1.LoggedEntry {
	for {
		// What was dropped nobody has any more: the host goes on behind it.
		if l := f.link.Load(); l != nil && l.board.linkNow().connected && from >= l.board.linkNow().first {
			entries, err := reader{l.nc, directGet}.from(ctx, from)
			if len(entries) > 0 {
				return entries
			}
			if err != nil && !errors.Is(err, errNoEntry) && ctx.Err() == nil {
				f.log.Debug("the log can't be read", "from", from, "error", err)
			}
		}
		if !sleep(ctx, rereadAfter) {
			return nil
		}
		if entries, more := f.board.take(from); len(entries) > 0 || !more {
			return nil // it was heard meanwhile, or the log has become shorter
		}
	}
}

// wait waits for the reader.
func (f *following) wait() {
	if f.done != nil {
		<-f.done
	}
}

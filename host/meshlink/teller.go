package meshlink

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/snapshot"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	// tellSoonest is the shortest time between two calls of Tell.
	tellSoonest = 250 * time.Millisecond
	// tellLatest is the longest.
	tellLatest = time.Second
	// leaveWithin is how long the last call may take.
	leaveWithin = 100 * time.Millisecond
)

// teller tells one plugin how this node is.
type teller struct {
	link   *Link
	plugin Plugin
	self   *selfView
	said   *meshosv1.NodeSummary // that the plugin took; nil if it has none
}

func newTeller(l *Link, p Plugin) *teller {
	return &teller{link: l, plugin: p, self: newSelfView(l.opts)}
}

// run tells what is new in each snapshot, and that the node goes on, until ctx ends or the node
// leaves.
func (t *teller) run(ctx context.Context) {
	l, source := t.link, t.link.opts.Source
	for ctx.Err() == nil {
		changed := source.Changed()
		began := time.Now()
		t.tell(ctx, source.Latest())
		if !t.wait(ctx, tellSoonest, nil) {
			return
		}
		if !t.wait(ctx, tellLatest-time.Since(began), changed) {
			return
		}
		select {
		case <-l.leaving:
			return
		default:
		}
	}
}

// wait waits for a time or for something. It returns false if the node leaves or ctx ends:
// then nothing more is told.
func (t *teller) wait(ctx context.Context, d time.Duration, or <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-or:
		return true
	case <-t.link.leaving:
		t.leave(ctx)
	case <-ctx.Done():
	}
	return false
}

// tell says how the node is in a snapshot. Its summary goes only if it changed.
func (t *teller) tell(ctx context.Context, s *snapshot.Snapshot) {
	req := &pluginv1.TellRequest{Tick: s.Regular}
	now := t.self.summary(s, time.Now())
	if t.said == nil || !proto.Equal(now, t.said) {
		req.Self = now
	}
	if err := t.plugin.Tell(ctx, req); err != nil {
		t.said = nil // it may have taken it, or not
		t.link.opts.Log.Debug("the mesh plugin could not be told how this node is", "error", err)
		return
	}
	if req.Self != nil {
		t.said = now
	}
}

// leave says that the node ends in order.
func (t *teller) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveWithin)
	defer cancel()
	if err := t.plugin.Tell(ctx, &pluginv1.TellRequest{Tick: t.link.opts.Source.Latest().Regular, Leaving: true}); err != nil {
		t.link.opts.Log.Debug("the other nodes were not told that this one ends", "error", err)
	}
	t.link.noteLeft()
}

package ordered

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// slack is how far the wall clock may drift away from the process's own before the
// checkpoint, whose times are wall times, is written again.
const slack = 2 * time.Second

// keepEvery is how often the checkpoint is written at most.
const keepEvery = 500 * time.Millisecond

// keeper remembers what the newest checkpoint holds.
type keeper struct {
	written hash // of the state, with the instants of the process; the zero hash before the first
	seen    snapshot.Orders
	wall    time.Time
	failing bool
	base    place // of the entry at the height of the checkpoint; under the log's mu
}

// Follow keeps the checkpoint in line with the state that the snapshots of source show,
// until ctx is done, and once more then. However often snapshots come, it looks at one each
// keepEvery: what was ordered since is in the log. How daemons ended is not, so that is kept at
// once: or a node that is killed would run again what was done.
func (l *Log) Follow(ctx context.Context, source follow.Source) {
	for s := range follow.Snapshots(ctx, source) {
		if s.Tick > 0 {
			l.keep(s)
		}
		pause(ctx, source, &s.Orders)
	}
	if s := source.Latest(); s.Tick > 0 {
		l.keep(s)
	}
}

// pause waits for keepEvery, or until a snapshot shows other gates or nothing follows.
func pause(ctx context.Context, source follow.Source, shown *snapshot.Orders) {
	timer := time.NewTimer(keepEvery)
	defer timer.Stop()
	for {
		changed := source.Changed() // before Latest, so that none is missed
		if !source.Latest().Orders.SameEnds(shown) {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		case <-source.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// keep writes a checkpoint if what it would hold has changed.
func (l *Log) keep(s *snapshot.Snapshot) {
	began := s.TakenAt.Add(-time.Duration(s.Now)) // of the process, by the present wall clock
	inTime := began.Sub(l.keeper.wall).Abs() <= slack
	if l.keeper.written != (hash{}) && inTime && s.Orders.Same(&l.keeper.seen) {
		l.keeper.seen = s.Orders // which keeps less memory than the older one
		return
	}
	orders := s.Orders.State()
	// With a fixed stamp: equal states have equal bytes, whatever the time.
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(wire.OrdersToProto(orders, mesh.Stamp{Wall: time.Unix(0, 0)}))
	if err != nil {
		l.failed(err)
		return
	}
	now := hashOf(raw)
	if now == l.keeper.written && inTime {
		l.keeper.seen = s.Orders
		return
	}
	if l.keeper.written == (hash{}) && orders.Empty() && !l.began {
		return
	}
	c := &meshosv1.OrderedCheckpoint{
		Node: uint64(s.Node), TakenAt: timestamppb.New(s.TakenAt),
		State: wire.OrdersToProto(orders, mesh.Stamp{At: s.Now, Wall: s.TakenAt}),
	}
	at, known := l.placeOf(orders.Height)
	if !known {
		return // an entry that is only now being written
	}
	if c.Record = at.record; at.head != (hash{}) {
		c.Head = at.head[:]
	}
	if err := l.opts.write(l.dir, checkpointName, c); err != nil {
		l.failed(err)
		return
	}
	l.keptMesh.Store(orders.MeshHeight)
	if l.keeper.failing {
		l.opts.Log.Info("the checkpoint of orders can be written again", "folder", l.dir)
	}
	l.keeper.written, l.keeper.seen, l.keeper.wall, l.keeper.failing = now, s.Orders, began, false
	l.drop(orders.Height)
	if err := l.trim(c); err != nil {
		l.failed(err)
	}
}

// trim drops the files of the log that hold nothing above a checkpoint. The checkpoint
// becomes the base before, so that the state can always be made from the log and a second
// checkpoint, should the newest one be damaged. While an order is being written nothing is
// dropped: the next checkpoint comes soon.
func (l *Log) trim(c *meshosv1.OrderedCheckpoint) error {
	select {
	case l.turn <- struct{}{}:
		defer l.release()
	default:
		return nil
	}
	if l.chain == nil {
		return nil
	}
	// The entry at the checkpoint's height stays: it proves that they belong together.
	_, err := l.chain.DropBefore(c.GetRecord(), func() error { return l.opts.write(l.dir, baseName, c) })
	return err
}

// failed says that the checkpoint can't be written, once.
func (l *Log) failed(err error) {
	if l.keeper.failing {
		return
	}
	l.keeper.failing = true
	l.opts.Log.Error("the checkpoint of orders can't be written; the node tries again, and would begin with the one before and the log behind it", "error", err)
	if l.opts.Report != nil {
		l.opts.Report("ordered", err.Error())
	}
}

// placeOf returns where the entry of a height stands.
func (l *Log) placeOf(height uint64) (place, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.pending {
		if p.height == height {
			return p, true
		}
	}
	if c := l.keeper.base; c.height == height {
		return c, true
	}
	return place{}, false
}

// drop forgets the places below a height.
func (l *Log) drop(height uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.pending) > 0 && l.pending[0].height <= height {
		l.keeper.base = l.pending[0]
		l.pending = l.pending[1:]
	}
	if len(l.pending) == 0 {
		l.pending = nil // they may have been very many
	}
}

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/meshos/meshos/internal/meshlab"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// patience is how long anything may take.
const patience = 60 * time.Second

// bench is a mesh that is measured.
type bench struct {
	lab   *meshlab.Lab
	conns []*grpc.ClientConn
	hosts []hostv1.HostClient // by id; [0] is not used
	stop  context.CancelFunc
	all   sync.WaitGroup

	mu      sync.Mutex
	heights []uint64 // by id, as the newest snapshot says
	changed chan struct{}

	flip bool
}

func newBench(lab *meshlab.Lab) (*bench, error) {
	b := &bench{lab: lab, hosts: make([]hostv1.HostClient, leaf+1), heights: make([]uint64, leaf+1), changed: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	for _, n := range lab.Nodes() {
		conn, err := grpc.NewClient("unix:"+n.Socket(), grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1, MaxDelay: 20 * time.Millisecond},
				MinConnectTimeout: patience,
			}))
		if err != nil {
			b.close()
			return nil, err
		}
		b.conns = append(b.conns, conn)
		b.hosts[n.ID] = hostv1.NewHostClient(conn)
		b.all.Go(func() { b.watch(ctx, n.ID) })
	}
	return b, nil
}

func (b *bench) close() {
	b.stop()
	b.all.Wait()
	for _, c := range b.conns {
		_ = c.Close()
	}
}

// watch notes how far a node has folded the log, whenever it says so.
func (b *bench) watch(ctx context.Context, id int) {
	for ctx.Err() == nil {
		stream, err := b.hosts[id].WatchSnapshots(ctx, &hostv1.WatchSnapshotsRequest{Deltas: false})
		for err == nil {
			var s *meshosv1.Snapshot
			if s, err = stream.Recv(); err == nil {
				b.note(id, s.GetMesh().GetHeight())
			}
		}
		pause(ctx, 20*time.Millisecond)
	}
}

func (b *bench) note(id int, height uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.heights[id] != height {
		b.heights[id] = height
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

// equal waits until some nodes have the same height, at least this one, and returns it.
func (b *bench) equal(ctx context.Context, least uint64, ids ...int) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		b.mu.Lock()
		changed, first, same := b.changed, b.heights[ids[0]], true
		for _, id := range ids {
			same = same && b.heights[id] == first && first >= least
		}
		have := fmt.Sprint(b.heights[1:])
		b.mu.Unlock()
		if same {
			return first, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, fmt.Errorf("nodes %v have not folded %d entries within %s: they have %s", ids, least, patience, have)
		}
	}
}

// order orders something harmless on a node, until it is accepted.
func (b *bench) order(ctx context.Context, id int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	b.mu.Lock()
	b.flip = !b.flip
	flip := b.flip
	b.mu.Unlock()
	admin := &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: 1}}}
	if flip {
		admin = &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Uncordon{Uncordon: &meshosv1.NodeTarget{Node: 1}}}
	}
	event := &meshosv1.Event{Kind: &meshosv1.Event_Admin{Admin: admin}}
	for {
		got, err := b.hosts[id].Publish(ctx, &hostv1.PublishRequest{Events: []*meshosv1.Event{event}})
		if err == nil && got.GetAccepted() == 1 {
			return nil
		}
		if !pause(ctx, 20*time.Millisecond) {
			return fmt.Errorf("an order on node %d is not accepted within %s (%v): %v", id, patience, err, got.GetRefused()) //nolint:errorlint // the deadline is the cause
		}
	}
}

// orderAny orders something on some nodes until one of them takes it. An order that was published
// to nobody keeps its node busy until it is given up, so they begin one after the other.
func (b *bench) orderAny(ctx context.Context, ids ...int) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	taken := make(chan error, len(ids))
	for i, id := range ids {
		all.Go(func() {
			if i > 0 {
				pause(ctx, time.Duration(i+1)*time.Second)
			}
			taken <- b.order(ctx, id)
		})
	}
	var err error
	for range ids {
		if err = <-taken; err == nil {
			return nil
		}
	}
	return err
}

// snapshot waits until a node's snapshot is as wanted.
func (b *bench) snapshot(ctx context.Context, id int, ok func(*meshosv1.Snapshot) bool) (*meshosv1.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		s, err := b.hosts[id].GetSnapshot(ctx, &hostv1.GetSnapshotRequest{})
		if err == nil && ok(s) {
			return s, nil
		}
		if !pause(ctx, 10*time.Millisecond) {
			return nil, fmt.Errorf("node %d is not as it should be within %s (%v): %v", id, patience, err, s.GetMesh()) //nolint:errorlint // the deadline is the cause
		}
	}
}

// plugin returns the process of a node's mesh plugin, once it is ready.
func (b *bench) plugin(ctx context.Context, id int) (pid int, err error) {
	_, err = b.snapshot(ctx, id, func(s *meshosv1.Snapshot) bool {
		for _, p := range s.GetPlugins() {
			if p.GetName() == "mesh-nats" && p.GetStatus() == meshosv1.PluginView_STATUS_READY {
				pid = int(p.GetPid())
			}
		}
		return pid != 0
	})
	return pid, err
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

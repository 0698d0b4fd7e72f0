package scoring_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
)

const (
	this     mesh.NodeID = 1
	tick                 = 500 * time.Millisecond
	interval             = 30 * time.Second
)

// scorer is a scorer whose answers a function computes. It keeps a view as plugins do,
// and fails for changes to a view that it does not have.
type scorer struct {
	name   string
	noOp   bool
	answer func(ctx context.Context, req scoring.Request) (mesh.Scores, error)

	mu   sync.Mutex
	asks []scoring.Request
	base uint64
}

func (s *scorer) Name() string { return s.name }
func (s *scorer) NoOp() bool   { return s.noOp }

func (s *scorer) Score(ctx context.Context, req scoring.Request) (mesh.Scores, error) {
	s.mu.Lock()
	s.asks = append(s.asks, req)
	known := req.Full || req.Base == s.base
	s.mu.Unlock()
	if !known {
		return mesh.Scores{}, scoring.ErrNoBase
	}
	out, err := s.answer(ctx, req)
	if err == nil {
		s.mu.Lock()
		s.base = req.Version
		s.mu.Unlock()
	}
	return out, err
}

// asked returns the requests since its last call.
func (s *scorer) asked() []scoring.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	asks := s.asks
	s.asks = nil
	return asks
}

// opinion scores chain 7 with the same numbers each time.
func opinion(_ context.Context, req scoring.Request) (mesh.Scores, error) {
	return mesh.Scores{ViewVersion: req.Version, Chains: []mesh.ChainScore{{
		Chain: 7, Holders: []mesh.NodeScore{{Node: 1, Score: 0.9}, {Node: 2, Score: 0.3}}, Best: &mesh.NodeScore{Node: 4, Score: 1},
	}}}, nil
}

// rig is a running driver in a bubble, between a fake reader and a fake feed.
type rig struct {
	*scoring.Driver
	*snapshottest.Source
	t     *testing.T
	ended chan struct{} // when the driver has

	mu       sync.Mutex
	scorer   scoring.Scorer
	tables   []mesh.Scores
	failures []mesh.FailureReport
	full     bool // the loop takes nothing
}

// start runs a driver on a world in which this node leads chain 7, held by 1 and 2.
func start(t *testing.T, s scoring.Scorer) *rig {
	t.Helper()
	r := &rig{t: t, scorer: s, ended: make(chan struct{})}
	r.Source = snapshottest.New(&snapshot.Snapshot{
		Node: this, Maintenance: snapshot.Maintenance{Phase: mesh.PhaseActive},
		Peers: snapshot.PeersOf(
			snapshot.Peer{Node: 2, RTT: 20 * time.Millisecond, HasRTT: true, Health: mesh.HealthHealthy},
			snapshot.Peer{Node: 3, RTT: 20 * time.Millisecond, HasRTT: true, Health: mesh.HealthHealthy},
			snapshot.Peer{Node: 4},
		),
		Replicas: snapshot.ReplicasOf(snapshot.Replica{Chain: 7, Holders: []mesh.NodeID{1, 2}, Leader: this}, snapshot.Replica{Chain: 8, Holders: []mesh.NodeID{2}, Leader: 2}),
	})
	r.Driver = scoring.New(scoring.Options{
		Reader: r, Feed: r, Log: slog.New(slog.DiscardHandler), Random: func() float64 { return 1 },
		Scorer: func() scoring.Scorer {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.scorer
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(r.ended)
		r.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.ended
	})
	synctest.Wait()
	return r
}

func (r *rig) Scores(ctx context.Context, table mesh.Scores) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full {
		return errors.New("queue is full")
	}
	r.tables = append(r.tables, table)
	return nil
}

func (r *rig) Report(_ context.Context, f mesh.FailureReport) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, f)
	return nil
}

// install puts another scorer into the slot.
func (r *rig) install(s scoring.Scorer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scorer = s
}

// ticks publishes n snapshots, one per tick; changes are made to the first.
func (r *rig) ticks(n int, changes ...func(*snapshot.Snapshot)) {
	r.t.Helper()
	for range n {
		time.Sleep(tick)
		s := *r.Latest()
		s.Tick++
		s.Regular++
		s.Plugins = slices.Clone(s.Plugins)
		for _, change := range changes {
			change(&s)
		}
		changes = nil
		r.Show(&s)
		synctest.Wait()
	}
}

// handed returns the tables that the loop got since its last call.
func (r *rig) handed() []mesh.Scores {
	r.mu.Lock()
	defer r.mu.Unlock()
	tables := r.tables
	r.tables = nil
	return tables
}

func (r *rig) reported() []mesh.FailureReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.failures)
}

// status is what a snapshot that is published now shows.
func (r *rig) status() *snapshot.Scheduler { return r.Scheduler(r.Latest()) }

// idle checks that nothing may be rebalanced: the loop's last table is without opinions,
// and the snapshot shows why.
func (r *rig) idle(why string) {
	r.t.Helper()
	if got := r.status(); got.Active || got.IdleReason != why || got.ChainsScored != 0 {
		r.t.Errorf("the snapshot shows %+v, want idle: %s", got, why)
	}
	if tables := r.handed(); len(tables) == 0 || len(tables[len(tables)-1].Chains) > 0 {
		r.t.Errorf("the table was not taken back: %+v", tables)
	}
}

// idleStill checks that the loop got no table, and that the snapshot shows why.
func (r *rig) idleStill(why string) {
	r.t.Helper()
	if got := r.status(); got.Active || got.IdleReason != why {
		r.t.Errorf("the snapshot shows %+v, want idle: %s", got, why)
	}
	if tables := r.handed(); len(tables) != 0 {
		r.t.Errorf("handed on %+v", tables)
	}
}

func peerIs(id mesh.NodeID, change func(*snapshot.Peer)) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) { s.Peers = snapshottest.Changed(s.Peers, id, change) }
}

// chainIs changes the chain that is led here.
func chainIs(change func(*snapshot.Replica)) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) { s.Replicas = snapshottest.Changed(s.Replicas, 7, change) }
}

func heldBy(holders ...mesh.NodeID) func(*snapshot.Snapshot) {
	return chainIs(func(r *snapshot.Replica) { r.Holders = holders })
}

func ledBy(n mesh.NodeID) func(*snapshot.Snapshot) {
	return chainIs(func(r *snapshot.Replica) { r.Leader = n })
}

func plugin(p snapshot.Plugin) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) { s.Plugins = []snapshot.Plugin{p} }
}

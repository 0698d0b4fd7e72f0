package loop

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

// this is the id of the node in all tests.
const this mesh.NodeID = 1

// interval and budget are those of all tests that don't set others.
const (
	interval = 100 * time.Millisecond
	budget   = 20 * time.Millisecond
)

// rig is a loop on the real core with a handle. Its time is that of the synctest
// bubble: it stands still while any goroutine works.
type rig struct {
	*Loop
	hooks  Hooks
	t      *testing.T
	h      *Handle
	cancel context.CancelFunc
	ended  chan error
	begun  time.Time
}

type option func(*setup)

type setup struct {
	cfg   Config
	boot  state.Boot
	hooks Hooks
	wrap  func(core) core
}

// newRig makes a loop that does not run yet.
func newRig(t *testing.T, opts ...option) *rig {
	t.Helper()
	set := setup{
		cfg:  Config{TickInterval: interval, ProbeBudget: budget},
		boot: state.Boot{Node: this, NodeName: "here", Epoch: 7, Policy: statetest.Policy()},
		wrap: func(c core) core { return c },
	}
	for _, o := range opts {
		o(&set)
	}
	l := newLoop(set.cfg, set.wrap(newNode(state.New(set.boot))))
	return &rig{Loop: l, hooks: set.hooks, t: t, h: l.Handle(), ended: make(chan error, 1)}
}

// start makes a loop and runs it until the test is over.
func start(t *testing.T, opts ...option) *rig {
	t.Helper()
	r := newRig(t, opts...)
	r.run()
	return r
}

func (r *rig) run() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.begun = cancel, time.Now()
	go func() { r.ended <- r.Run(ctx, r.hooks) }()
	r.t.Cleanup(func() {
		cancel()
		<-r.Done()
	})
	synctest.Wait()
}

// pass lets the bubble's time go by, and all goroutines finish what is due.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// ticks waits for n ticks that take no time themselves.
func (r *rig) ticks(n int) *snapshot.Snapshot {
	r.t.Helper()
	pass(time.Duration(n) * interval)
	return r.Reader().Latest()
}

func (r *rig) publish(evs ...mesh.Event) {
	r.t.Helper()
	if n, err := r.h.PublishBatch(r.t.Context(), evs); err != nil || n != len(evs) {
		r.t.Fatalf("published %d of %d events: %v", n, len(evs), err)
	}
}

// mustEnd waits for the loop's end, at most for d.
func (r *rig) mustEnd(d time.Duration) error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(d):
		r.t.Fatalf("the loop still runs after %v", d)
		return nil
	}
}

func (r *rig) mustRun() {
	r.t.Helper()
	select {
	case <-r.Done():
		r.t.Fatal("the loop has ended")
	default:
	}
}

// The probes, each a function.
type (
	rttProbe struct {
		name string
		fn   func(context.Context) ([]mesh.RTTSample, error)
	}
	verdictProbe struct {
		name string
		fn   func(context.Context) ([]mesh.HealthSample, error)
	}
	stockProbe struct {
		name string
		fn   func(context.Context) ([]mesh.Inventory, error)
	}
	// handler publishes what its function returns.
	handler struct {
		name string
		h    *Handle
		fn   func(context.Context, []mesh.NodeID) ([]mesh.Event, error)
	}
	lister struct {
		name string
		fn   func(context.Context) ([]mesh.Migration, error)
	}
	aborter struct {
		fn   func(context.Context, mesh.MigrationID, string) error
		noOp bool
	}
)

func (p rttProbe) Name() string     { return p.name }
func (p verdictProbe) Name() string { return p.name }
func (p stockProbe) Name() string   { return p.name }
func (h handler) Name() string      { return h.name }
func (l lister) Name() string       { return l.name }
func (a aborter) NoOp() bool        { return a.noOp }

func (p rttProbe) SampleRTT(ctx context.Context) (mesh.RTTAnswer, error) {
	samples, err := p.fn(ctx)
	return mesh.RTTAnswer{Samples: samples}, err
}

func (p verdictProbe) SampleHealth(ctx context.Context) (mesh.HealthAnswer, error) {
	samples, err := p.fn(ctx)
	return mesh.HealthAnswer{Samples: samples}, err
}

func (p stockProbe) SampleInventory(ctx context.Context) (mesh.InventoryAnswer, error) {
	out, err := p.fn(ctx)
	return mesh.InventoryAnswer{Samples: out}, err
}

func (h handler) Recover(ctx context.Context, healthy []mesh.NodeID) error {
	events, err := h.fn(ctx, healthy)
	if err != nil {
		return err
	}
	_, err = h.h.PublishBatch(ctx, events)
	return err
}

// handler returns a recovery handler that publishes what fn returns.
func (r *rig) handler(name string, fn func(ctx context.Context, healthy []mesh.NodeID) ([]mesh.Event, error)) handler {
	return handler{name: name, h: r.h, fn: fn}
}

func (l lister) ListMigrations(ctx context.Context) ([]mesh.Migration, error) { return l.fn(ctx) }
func (a aborter) Abort(ctx context.Context, id mesh.MigrationID, reason string) error {
	return a.fn(ctx, id, reason)
}

// rtts is a probe that always returns the same samples.
func rtts(name string, samples ...mesh.RTTSample) rttProbe {
	return rttProbe{name, func(context.Context) ([]mesh.RTTSample, error) { return samples, nil }}
}

// heavy is a core whose every fold takes time, as that of a large mesh does.
type heavy struct {
	core
	fold, pass time.Duration
	folded     func(mesh.Stamp, mesh.Input)
}

func (h heavy) Apply(at mesh.Stamp, in mesh.Input) []state.Effect {
	if h.fold > 0 {
		time.Sleep(h.fold)
	}
	if h.folded != nil {
		h.folded(at, in)
	}
	return h.core.Apply(at, in)
}

func (h heavy) Snapshot(at mesh.Stamp) *snapshot.Snapshot {
	if h.pass > 0 {
		time.Sleep(h.pass)
	}
	return h.core.Snapshot(at)
}

func withHeavy(h heavy) option {
	return func(s *setup) { s.wrap = func(c core) core { h.core = c; return h } }
}

// withJournal calls folded with each input that is folded.
func withJournal(folded func(mesh.Stamp, mesh.Input)) option { return withHeavy(heavy{folded: folded}) }

func withConfig(change func(*Config)) option { return func(s *setup) { change(&s.cfg) } }

func holder(chain mesh.ChainID, n mesh.NodeID) mesh.Event {
	return mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: chain, Holder: n}
}

func peer(s *snapshot.Snapshot, id mesh.NodeID) *snapshot.Peer {
	if p, ok := s.Peers.Get(id); ok {
		return &p
	}
	return nil
}

func holds(s *snapshot.Snapshot, chain mesh.ChainID) []mesh.NodeID {
	r, _ := s.Replicas.Get(chain)
	return r.Holders
}

// failures lists the failure records of a source.
func failures(s *snapshot.Snapshot, source string) []string {
	var out []string
	for _, f := range s.Failures {
		if f.Source == source {
			out = append(out, f.Reason)
		}
	}
	return out
}

// logged lists the log lines that contain a text.
func logged(s *snapshot.Snapshot, text string) []string {
	var out []string
	for _, l := range s.Logs {
		if strings.Contains(l.Message, text) {
			out = append(out, l.Message)
		}
	}
	return out
}

// list collects what the loop's goroutines see, for the test to read meanwhile.
type list[T any] struct {
	mu    sync.Mutex
	items []T
}

func (l *list[T]) add(item T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items = append(l.items, item)
}

func (l *list[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.items)
}

func ptr[T any](v T) *T { return &v }

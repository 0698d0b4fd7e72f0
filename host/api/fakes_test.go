package api_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/guard"
	"github.com/meshos/meshos/internal/snapshottest"
	"github.com/meshos/meshos/internal/testkit"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(dialAndEnd); path != "" {
		if err := handOver(path); err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// node fakes everything that the service asks of a node.
type node struct {
	*snapshottest.Source
	mu       sync.Mutex
	heard    []any // mesh.Event and mesh.JudgedCommit
	free     int   // how many more of them fit
	state    *state.State
	closed   bool
	panicked []string
	waited   []string // the records for which Durable was called
	disk     error
	radius   *meshosv1.BlastRadius // of all simulations; nil: one of its own
	lost     error                 // after the time of a call's queue
	records  stored                // on disk
}

func newNode() *node {
	return &node{Source: snapshottest.New(&snapshot.Snapshot{Node: 1, Epoch: 99}), free: 1000}
}

func (n *node) PublishBatch(ctx context.Context, events []mesh.Event) (out mesh.Published, err error) {
	for i, event := range events {
		if _, refused := event.(mesh.Shutdown); refused {
			out.Refused = append(out.Refused, mesh.RefusedEvent{
				Index: i, Verdict: mesh.Verification{Verdict: mesh.VerdictRejected, Kind: "unsigned", Message: "it must be signed"},
			})
			continue
		}
		if err := n.hear(ctx, event); err != nil {
			return out, err
		}
		out.Taken++
	}
	return out, nil
}

func (n *node) ReadState(ctx context.Context, visit func(*state.State)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return errors.New("loop has ended")
	}
	if n.state == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	visit(n.state)
	return nil
}

// Commit implements api.Intake.
func (n *node) Commit(ctx context.Context, signed wire.Signed) (mesh.AuditRecord, error) {
	commit := n.judge(signed)
	err := n.hear(ctx, commit)
	return mesh.AuditRecord{Seq: 7, Event: commit.Event, Outcome: commit.Outcome, CommitID: commit.CommitID}, err
}

func (n *node) simulate(ev mesh.AdminEvent) (*hostv1.SimulateResponse, error) {
	if !ev.BreakGlass() {
		return nil, errors.New(ev.Kind() + " is not a break-glass command")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.radius != nil {
		return &hostv1.SimulateResponse{BlastRadius: n.radius, BlastHash: []byte("other")}, nil
	}
	return &hostv1.SimulateResponse{BlastRadius: &meshosv1.BlastRadius{AffectedNodes: []uint64{3}}, BlastHash: []byte("hash")}, nil
}

func (n *node) wait(_ context.Context, chain mesh.RecordChain, seq uint64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waited = append(n.waited, fmt.Sprintf("%s %d", chain, seq))
	return n.disk
}

func (n *node) hear(ctx context.Context, what any) error {
	if n.lost != nil {
		<-ctx.Done()
		return n.lost
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return errors.New("loop has ended")
	}
	if n.free == 0 {
		<-ctx.Done()
		return errors.New("queue is full")
	}
	n.free--
	n.heard = append(n.heard, what)
	return nil
}

func (n *node) judge(signed wire.Signed) mesh.JudgedCommit {
	if string(signed.Payload) == "junk" {
		return mesh.JudgedCommit{Outcome: mesh.Verification{Verdict: mesh.VerdictRejected, Kind: "malformed"}}
	}
	return mesh.JudgedCommit{CommitID: signed.Payload}
}

func (n *node) Describe(name string) (*hostv1.PluginDetail, error) {
	switch name {
	case "health-tcp":
		return &hostv1.PluginDetail{View: &meshosv1.PluginView{Name: name}, Path: "/bin/health-tcp"}, nil
	case "boom":
		panic("boom")
	}
	return nil, errors.New("there is no plugin " + name)
}

// serve runs a service on a real socket and returns a client of it.
func serve(t *testing.T, n *node) hostv1.HostClient {
	t.Helper()
	return dial(t, serveAt(t, n))
}

// serveAt runs a service on a real socket and returns its path.
func serveAt(t *testing.T, n *node, change ...func(*api.Options)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	ln, err := api.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	opts := api.Options{Reader: n, Intake: n, Simulate: n.simulate, Durable: n.wait, Records: n.records, Plugins: n, StateReader: n, History: history}
	for _, f := range change {
		f(&opts)
	}
	service := api.NewService(opts)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- service.Serve(ctx, ln, func(method string, _ *guard.PanicError) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.panicked = append(n.panicked, method)
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return path
}

// within returns a context that ends a test that hangs.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	t.Cleanup(cancel)
	return ctx
}

// history has something to say of one chain.
func history(chain mesh.ChainID) (string, bool) { return "worst score 0.50 (one sample)", chain == 7 }

func (n *node) Probe(_ context.Context, peer uint64, _ bool) (*hostv1.ProbeResponse, error) {
	if peer != 2 {
		return nil, errors.New("the configuration has no peer with this id")
	}
	return probed(), nil
}

// probed is what the probes of the fake node find of peer 2.
func probed() *hostv1.ProbeResponse {
	return &hostv1.ProbeResponse{Peer: 2, Name: "two", Address: "10.0.0.2"}
}

func (*node) Recover(context.Context, wire.Recovery) (mesh.AuditRecord, error) {
	return mesh.AuditRecord{}, errors.New("there is no mesh")
}

package meshlink_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/meshlink"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
	"github.com/meshos/meshos/pluginsdk/meshtest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inMemory is the plugin of a node in a mesh in memory.
type inMemory struct {
	*meshtest.Node
	name    string
	mu      sync.Mutex
	renewed chan struct{}
	broken  error // what Follow fails with
}

func (p *inMemory) Name() string { return p.name }

func (p *inMemory) Renewed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.renewed
}

// renew has the plugin come back as another process.
func (p *inMemory) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.renewed)
	p.renewed = make(chan struct{})
}

func (p *inMemory) breaks(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = err
}

func (p *inMemory) Follow(ctx context.Context, from *pluginv1.FollowRequest, take func(context.Context, *pluginv1.MeshBatch) error) error {
	p.mu.Lock()
	broken := p.broken
	p.mu.Unlock()
	if broken != nil {
		return broken
	}
	return p.Node.Follow(ctx, from, func(b *pluginv1.MeshBatch) error { return take(ctx, b) })
}

func (p *inMemory) Ask(ctx context.Context, ask *pluginv1.AskRequest, take func(context.Context, []byte) error) error {
	return p.Node.Ask(ctx, ask, func(b []byte) error { return take(ctx, b) })
}

func (p *inMemory) Serve(ctx context.Context, run func(context.Context, func() (*pluginv1.ServedQuestion, error), func(*pluginv1.ServedAnswer) error) error) error {
	ctx, cancel := context.WithCancel(ctx)
	questions, answers := make(chan *pluginv1.ServedQuestion), make(chan *pluginv1.ServedAnswer)
	ended := make(chan error, 1)
	go func() {
		ended <- p.Node.Serve(ctx, func() (*pluginv1.ServedAnswer, error) { return receive(ctx, answers) },
			func(q *pluginv1.ServedQuestion) error { return send(ctx, questions, q) })
	}()
	err := run(ctx, func() (*pluginv1.ServedQuestion, error) { return receive(ctx, questions) },
		func(a *pluginv1.ServedAnswer) error { return send(ctx, answers, a) })
	cancel()
	<-ended
	return err
}

func receive[T any](ctx context.Context, from <-chan T) (t T, err error) {
	select {
	case t = <-from:
		return t, nil
	case <-ctx.Done():
		return t, io.EOF
	}
}

func send[T any](ctx context.Context, to chan<- T, t T) error {
	select {
	case to <- t:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// record is a record of the ordered log that believes everything.
type record struct {
	mu      sync.Mutex
	members *pluginv1.SetMembersRequest
	changed chan struct{}
	entries []*meshosv1.LoggedEntry
	joining []string
	refuse  error
}

func (r *record) End() (uint64, []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.entries); n > 0 {
		return uint64(n), meshtest.Hash(r.entries[n-1])
	}
	return 0, nil
}

func (r *record) First() uint64 { return 1 }

func (r *record) Begun() <-chan struct{} { return nil }

func (r *record) Take(_ context.Context, entries []*meshosv1.LoggedEntry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return r.refuse
	}
	r.entries = append(r.entries, entries...)
	return nil
}

func (r *record) Members() *pluginv1.SetMembersRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.members
}

func (r *record) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

func (r *record) setMembers(found bool, ids ...uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := &pluginv1.SetMembersRequest{Found: found}
	for _, id := range ids {
		next.Members = append(next.Members, &pluginv1.Member{Id: id, Name: name(id), Seed: id == 1})
	}
	r.members = next
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *record) Joining(encoded [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range encoded {
		r.joining = append(r.joining, string(j))
	}
}

func (r *record) Linked(*meshosv1.MeshLink) {}

func (r *record) Complete(self *meshosv1.NodeSummary) { self.Height, _ = r.End() }

func (r *record) Heard(mesh.NodeID, *meshosv1.NodeSummary) {}

func name(id uint64) string { return fmt.Sprintf("node-%d", id) }

// node is one node with its Link.
type node struct {
	*meshlink.Link
	id     uint64
	plugin *inMemory
	record *record
	board  *snapshottest.Source

	mu       sync.Mutex
	peers    map[mesh.NodeID]mesh.Announced
	expelled []mesh.NodeID
	inputs   int
	reports  []string
	room     int
	end      func() // ends it before the test does
	answer   func(ctx context.Context, from uint64, method string, send func([]byte) error) error
}

func (n *node) Announce(_ context.Context, said mesh.PeersAnnounced) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.inputs++
	for _, p := range said.Peers {
		n.peers[p.ID] = p
	}
	for _, id := range said.Expelled {
		delete(n.peers, id)
		n.expelled = append(n.expelled, id)
	}
	return nil
}

func (n *node) Serve(ctx context.Context, from uint64, method string, _ []byte, send func([]byte) error) error {
	if n.answer == nil {
		return status.Error(codes.Unimplemented, "no answers here")
	}
	return n.answer(ctx, from, method, send)
}

func (n *node) peer(id mesh.NodeID) mesh.Announced {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.peers[id]
}

func (n *node) said() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.reports)
}

// show has the node's next snapshot be this one.
func (n *node) show(change func(*snapshot.Snapshot)) {
	next := *n.board.Latest()
	next.Tick++
	next.Regular++
	change(&next)
	n.board.Show(&next)
}

// keeper keeps members in memory.
type keeper struct {
	mu     sync.Mutex
	list   []mesh.KeptMember
	writes int
	broken error
}

func (k *keeper) Recall() ([]mesh.KeptMember, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.list, k.broken
}

func (k *keeper) Keep(_ context.Context, members []mesh.KeptMember) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.broken != nil {
		return k.broken
	}
	k.list = members
	k.writes++
	return nil
}

func (k *keeper) breaks(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.broken = err
}

// of returns what is kept of a member; the zero value for nothing.
func (k *keeper) of(id mesh.NodeID) mesh.KeptMember {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.list {
		if m.ID == id {
			return m
		}
	}
	return mesh.KeptMember{}
}

// start starts a node of a mesh of three, until the test ends.
func start(t *testing.T, net *meshtest.Network, id uint64) *node {
	t.Helper()
	return startWith(t, net, id, &keeper{})
}

// startWith is start of a node that keeps what it knows of others.
func startWith(t *testing.T, net *meshtest.Network, id uint64, kept *keeper) *node {
	t.Helper()
	n := &node{
		id: id, plugin: &inMemory{Node: net.Node(id), name: "mesh", renewed: make(chan struct{})},
		record: &record{changed: make(chan struct{})}, peers: make(map[mesh.NodeID]mesh.Announced), room: 1000,
		board: snapshottest.New(&snapshot.Snapshot{Node: mesh.NodeID(id), Maintenance: snapshot.Maintenance{Phase: mesh.PhaseActive}}),
	}
	n.record.setMembers(id == 1, 1, 2, 3)
	n.Link = meshlink.New(meshlink.Options{
		Node: mesh.NodeID(id), Record: n.record, Source: n.board,
		Self: meshlink.Self{
			Incarnation: 7, Name: name(id), Version: "v1",
			Labels:  func() []mesh.Label { return []mesh.Label{{Key: "rack", Value: fmt.Sprint("r", id)}} },
			Trouble: func(*snapshot.Snapshot) string { return "" },
		},
		MayKnow: func(_ context.Context, peer mesh.NodeID) error {
			n.mu.Lock()
			defer n.mu.Unlock()
			if n.room--; n.room < 0 {
				return errors.New("this node remembers enough peers already")
			}
			return nil
		},
		Keeper: kept,
		Report: func(source, reason string) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.reports = append(n.reports, source+": "+reason)
		},
		Log: slog.New(slog.DiscardHandler),
	})
	n.Install(n.plugin)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.Run(ctx, meshlink.Hooks{Announce: n.Announce, Server: n})
	}()
	n.end = func() {
		cancel()
		<-ended
	}
	t.Cleanup(n.end)
	return n
}

// ticking has nodes tick once a second until the function that it returns is called.
func ticking(nodes ...*node) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			for _, n := range nodes {
				n.show(func(*snapshot.Snapshot) {})
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// order orders an entry at a node.
func order(t *testing.T, n *node, height uint64) error {
	t.Helper()
	entry, err := proto.Marshal(&meshosv1.OrderedEntry{Height: height})
	if err != nil {
		t.Fatal(err)
	}
	return n.Order(t.Context(), &pluginv1.OrderRequest{Entry: entry, Height: height, Id: fmt.Append(nil, height)})
}

var errDisk = errors.New("the disk takes nothing")

package meshtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Plugins are mesh plugins under test, each as its host reaches it, configured and without
// members. The first is on node 1, and so on.
type Plugins struct {
	Conns []grpc.ClientConnInterface
	// Members are the nodes with their link keys; the first one is a seed.
	Members []*pluginv1.Member
}

// patience is how long the checks wait for what must come.
const patience = 2 * time.Minute

// slow is how long a check waits before it tries something else.
const slow = 50 * time.Millisecond

// Check checks what the contract demands of every mesh plugin. start starts three plugins
// that do not know each other yet; it is called once for each check.
func Check(t *testing.T, start func(t *testing.T) Plugins) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, p *checked)
	}{
		{"nothing is done before the members are known", beforeMembers},
		{"an entry is shown on every node, in order, once", ordered},
		{"the log is followed from any height", followed},
		{"the beginning of the log is dropped, and that is said", dropped},
		{"a new stream ends the one before", oneStream},
		{"what a node says of itself reaches the others", told},
		{"a node that leaves in order is seen at once", left},
		{"a question is answered, message by message", asked},
		{"an answer is as long as the reader likes", windowed},
		{"who asks a node that is not there is told so", unreachable},
		{"who is no member any more is out", expelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			c.run(t, &checked{Plugins: start(t), ctx: ctx})
		})
	}
}

// checked are the plugins of one check.
type checked struct {
	Plugins
	ctx  context.Context
	tick uint64
}

func (c *checked) of(node int) pluginv1.MeshClient { return pluginv1.NewMeshClient(c.Conns[node-1]) }

// found tells all plugins who belongs to the mesh. Node 1 founds it.
func (c *checked) found(t *testing.T, members ...*pluginv1.Member) {
	t.Helper()
	if len(members) == 0 {
		members = c.Members
	}
	for i := range c.Conns {
		if _, err := c.of(i+1).SetMembers(c.ctx, &pluginv1.SetMembersRequest{Members: members, Found: i == 0}); err != nil {
			t.Fatalf("SetMembers at node %d: %v", i+1, err)
		}
	}
}

// entry returns an entry as hosts make them.
func entry(height uint64, prev []byte, text string) []byte {
	out, err := proto.Marshal(&meshosv1.OrderedEntry{Height: height, Prev: prev, By: 1, NodeSignature: []byte(text)})
	if err != nil {
		panic(err) // a message of the contract can be encoded
	}
	return out
}

// order orders an entry, and tries again while there is no quorum yet.
func (c *checked) order(t *testing.T, node int, height uint64, id string) {
	t.Helper()
	req := &pluginv1.OrderRequest{Entry: entry(height, nil, id), Height: height, Id: []byte(id)}
	c.eventually(t, fmt.Sprintf("node %d orders height %d", node, height), func(ctx context.Context) error {
		_, err := c.of(node).Order(ctx, req)
		return err
	})
}

// eventually calls f until it succeeds.
func (c *checked) eventually(t *testing.T, what string, f func(ctx context.Context) error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(c.ctx, 2*time.Second)
		err := f(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// stream is one open Follow.
type stream struct {
	c       *checked
	node    int
	batches grpc.ServerStreamingClient[pluginv1.MeshBatch]
	end     context.CancelFunc
}

func (c *checked) follow(t *testing.T, node int, from *pluginv1.FollowRequest) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(c.ctx)
	t.Cleanup(cancel)
	batches, err := c.of(node).Follow(ctx, from)
	if err != nil {
		t.Fatalf("Follow at node %d: %v", node, err)
	}
	return &stream{c, node, batches, cancel}
}

// until reads batches until done reports that it has seen enough.
func (s *stream) until(t *testing.T, what string, done func(*pluginv1.MeshBatch) bool) {
	t.Helper()
	timer := time.AfterFunc(patience, s.end)
	defer timer.Stop()
	for {
		batch, err := s.batches.Recv()
		if err != nil {
			t.Fatalf("node %d: the stream ended before %s: %v", s.node, what, err)
		}
		if done(batch) {
			return
		}
	}
}

// entries reads the stream until it has shown the heights up to last, from first on.
func (s *stream) entries(t *testing.T, first, last uint64) (out []*meshosv1.LoggedEntry) {
	t.Helper()
	s.until(t, fmt.Sprintf("height %d", last), func(b *pluginv1.MeshBatch) bool {
		for _, e := range b.GetOrdered() {
			var decoded meshosv1.OrderedEntry
			if err := proto.Unmarshal(e.GetEntry(), &decoded); err != nil {
				t.Fatalf("node %d: an entry can't be decoded: %v", s.node, err)
			}
			if want := first + uint64(len(out)); decoded.GetHeight() != want || e.GetLogTime().CheckValid() != nil {
				t.Fatalf("node %d: height %d with log time %v, want height %d", s.node, decoded.GetHeight(), e.GetLogTime(), want)
			}
			out = append(out, e)
		}
		return first+uint64(len(out)) > last
	})
	return out
}

func (c *checked) tell(t *testing.T, node int, said *pluginv1.TellRequest) {
	t.Helper()
	c.eventually(t, fmt.Sprintf("Tell at node %d", node), func(ctx context.Context) error {
		_, err := c.of(node).Tell(ctx, said)
		return err
	})
}

// keepTelling tells again and again until the function that it returns is called: a node may
// not be linked yet when it says something first.
func (c *checked) keepTelling(t *testing.T, version string, nodes ...int) (stop func()) {
	ctx, cancel := context.WithCancel(c.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for tick := c.tick + 1; ctx.Err() == nil; tick++ {
			for _, node := range nodes {
				said := &pluginv1.TellRequest{Tick: tick, Self: &meshosv1.NodeSummary{Incarnation: uint64(node), Version: version}}
				_, _ = c.of(node).Tell(ctx, said)
			}
			_ = wait(ctx, 100*time.Millisecond)
		}
	}()
	var stopped bool
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			<-ended
			c.tick += 1 << 20
		}
	}
	t.Cleanup(stop)
	return stop
}

// wantCode fails unless an error has one of the codes.
func wantCode(t *testing.T, what string, err error, codes ...codes.Code) {
	t.Helper()
	for _, code := range codes {
		if status.Code(err) == code {
			return
		}
	}
	t.Errorf("%s: %v, want %v", what, err, codes)
}

package api_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// asking returns a client of node 1, which reaches node 2 (bravo) through a mesh, and node 2.
func asking(t *testing.T) (hostv1.HostClient, *node, func(*snapshot.Snapshot)) {
	t.Helper()
	here, there := newNode(), newNode()
	here.Show(&snapshot.Snapshot{Node: 1, Epoch: 99, Info: &snapshot.Info{Name: "alpha"}, Peers: snapshot.PeersOf(
		snapshot.Peer{Node: 2, Name: "bravo", Member: &snapshot.Member{}},
		snapshot.Peer{Node: 3, Name: "twin", Member: &snapshot.Member{}}, snapshot.Peer{Node: 4, Name: "twin", Member: &snapshot.Member{}},
		snapshot.Peer{Node: 5, Name: "stranger"},
	)})
	there.Show(&snapshot.Snapshot{Node: 2, Epoch: 99, Info: &snapshot.Info{Name: "bravo"}})
	other := api.NewService(api.Options{Reader: there, Intake: there, Simulate: there.simulate, Plugins: there, StateReader: there, Records: onDisk(98, 1, 2)})
	path := serveAt(t, here, func(o *api.Options) {
		o.Ask = func(ctx context.Context, to mesh.NodeID, method string, request []byte, take func([]byte) error) error {
			if to != 2 {
				return status.Errorf(codes.Unavailable, "node %d is not reached", to)
			}
			return other.Answer(ctx, 1, method, request, take)
		}
	})
	return dial(t, path), there, there.Show
}

func of(t *testing.T, node string) context.Context {
	return metadata.AppendToOutgoingContext(within(t), api.NodeHeader, node)
}

func TestAnotherNodeAnswersAQuestionForIt(t *testing.T) {
	client, _, _ := asking(t)
	for _, word := range []string{"bravo", "2"} {
		s, err := client.GetSnapshot(of(t, word), &hostv1.GetSnapshotRequest{})
		if err != nil || s.GetNode() != 2 || s.GetInfo().GetName() != "bravo" {
			t.Errorf("%s: %v, %v", word, s, err)
		}
	}
	for _, word := range []string{"alpha", "1"} {
		if s, err := client.GetSnapshot(of(t, word), &hostv1.GetSnapshotRequest{}); err != nil || s.GetNode() != 1 {
			t.Errorf("%s: %v, %v", word, s, err)
		}
	}
	d, err := client.DescribePlugin(of(t, "bravo"), &hostv1.PluginRequest{Name: "health-tcp"})
	if err != nil || d.GetPath() != "/bin/health-tcp" {
		t.Errorf("%v, %v", d, err)
	}
}

func TestWhatAnotherNodeRefusesKeepsItsCode(t *testing.T) {
	client, _, _ := asking(t)
	for _, c := range []struct {
		node, text string
		code       codes.Code
		call       func(ctx context.Context) error
	}{
		{"bravo", "there is no plugin x", codes.NotFound, func(ctx context.Context) error {
			_, err := client.DescribePlugin(ctx, &hostv1.PluginRequest{Name: "x"})
			return err
		}},
		{"bravo", "failed inside the node", codes.Internal, func(ctx context.Context) error {
			_, err := client.DescribePlugin(ctx, &hostv1.PluginRequest{Name: "boom"})
			return err
		}},
		{"bravo", "run it on node bravo itself", codes.InvalidArgument, func(ctx context.Context) error {
			_, err := client.Commit(ctx, &hostv1.CommitRequest{})
			return err
		}},
		{"charlie", `no member of the mesh has the name "charlie"`, codes.NotFound, func(ctx context.Context) error {
			_, err := client.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{})
			return err
		}},
		{"stranger", "no member", codes.NotFound, func(ctx context.Context) error {
			_, err := client.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{})
			return err
		}},
		{"twin", "use one of their ids: 3, 4", codes.InvalidArgument, func(ctx context.Context) error {
			_, err := client.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{})
			return err
		}},
		{"3", "node 3 is not reached", codes.Unavailable, func(ctx context.Context) error {
			_, err := client.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{})
			return err
		}},
	} {
		if err := c.call(of(t, c.node)); status.Code(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %s with %q", c.node, err, c.code, c.text)
		}
	}
}

func TestAStreamOfAnotherNodeIsFollowed(t *testing.T) {
	client, _, show := asking(t)
	stream, err := client.WatchSnapshots(of(t, "bravo"), &hostv1.WatchSnapshotsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for tick := uint64(0); tick < 5; tick++ {
		s, err := stream.Recv()
		if err != nil || s.GetNode() != 2 || s.GetTick() != tick {
			t.Fatalf("%v, %v, want tick %d", s, err, tick)
		}
		show(&snapshot.Snapshot{Node: 2, Tick: tick + 1})
	}
	tail, err := client.TailFailures(of(t, "bravo"), &hostv1.TailRequest{Epoch: 77})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tail.Recv(); err != nil {
		t.Fatal(err)
	}
	if h, err := tail.Header(); err != nil || len(h.Get(api.GapHeader)) != 1 {
		t.Errorf("that records may be missing is lost: %v, %v", h, err)
	}
}

func TestLargeAnswersGoInParts(t *testing.T) {
	n := newNode()
	var logs []mesh.LogRecord
	for seq := range uint64(1000) {
		logs = append(logs, mesh.LogRecord{Seq: seq + 1, Level: mesh.LevelInfo, Message: fmt.Sprint(strings.Repeat("x", 1000), seq)})
	}
	n.Show(&snapshot.Snapshot{Node: 2, Logs: logs})
	service := api.NewService(api.Options{Reader: n, Intake: n, Plugins: n, StateReader: n})
	parts := 0
	err := service.Answer(within(t), 1, "GetSnapshot", nil, func(raw []byte) error {
		var p hostv1.AnswerPart
		if len(raw) > 300<<10 {
			t.Errorf("a part of %d bytes", len(raw))
		}
		parts++
		return proto.Unmarshal(raw, &p)
	})
	if err != nil || parts < 4 {
		t.Errorf("%d parts, %v", parts, err)
	}
	if err := service.Answer(within(t), 1, "Publish", nil, nil); status.Code(err) != codes.PermissionDenied {
		t.Errorf("another node may publish: %v", err)
	}
}

func TestASimulationAsksAllNodes(t *testing.T) {
	client, there, _ := asking(t)
	ask := func(node string) (*hostv1.SimulateResponse, []string) {
		t.Helper()
		ctx := within(t)
		if node != "" {
			ctx = of(t, node)
		}
		out, err := client.Simulate(ctx, &hostv1.SimulateRequest{AllNodes: true, Event: &meshosv1.AdminEvent{
			Kind: &meshosv1.AdminEvent_ThawCluster{ThawCluster: &meshosv1.ThawCluster{}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, n := range out.GetNodes() {
			said = append(said, fmt.Sprintf("%d %s same=%v %v %s", n.GetNode(), n.GetName(), n.GetSame(), n.GetBlastRadius().GetAffectedNodes(), n.GetUnanswered()))
		}
		return out, said
	}
	out, said := ask("")
	want := []string{"2 bravo same=true [] ", "3 twin same=false [] node 3 is not reached", "4 twin same=false [] node 4 is not reached"}
	if string(out.GetBlastHash()) != "hash" || !slices.Equal(said, want) {
		t.Errorf("hash %q of this node, and %q", out.GetBlastHash(), said)
	}
	there.mu.Lock()
	there.radius = &meshosv1.BlastRadius{AffectedNodes: []uint64{9}}
	there.mu.Unlock()
	if _, said := ask(""); said[0] != "2 bravo same=false [9] " {
		t.Errorf("of another result %q", said)
	}
	if _, said := ask("bravo"); len(said) != 0 {
		t.Errorf("a node that is asked by another one asks others: %q", said)
	}
}

func TestASimulationDoesNotWaitForWhoIsGone(t *testing.T) {
	here := newNode()
	gone := snapshot.Peer{Node: 2, Name: "bravo", Member: &snapshot.Member{Gone: true, Heard: true}}
	named := snapshot.Peer{Node: 3, Name: "charlie", Member: &snapshot.Member{Gone: true}} // the fake simulation affects it
	slow := snapshot.Peer{Node: 4, Name: "delta", Member: &snapshot.Member{}}
	here.Show(&snapshot.Snapshot{Node: 1, Now: mesh.Time(time.Minute), Peers: snapshot.PeersOf(gone, named, slow)})
	var asked sync.Map
	client := dial(t, serveAt(t, here, func(o *api.Options) {
		o.Ask = func(ctx context.Context, to mesh.NodeID, _ string, _ []byte, _ func([]byte) error) error {
			asked.Store(to, true)
			<-ctx.Done()
			return ctx.Err()
		}
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // of which a part is left for the answer
	defer cancel()
	out, err := client.Simulate(ctx, &hostv1.SimulateRequest{AllNodes: true, Event: &meshosv1.AdminEvent{
		Kind: &meshosv1.AdminEvent_ThawCluster{ThawCluster: &meshosv1.ThawCluster{}},
	}})
	if err != nil || len(out.GetNodes()) != 3 {
		t.Fatalf("%v: %v", err, out)
	}
	for i, want := range []string{"it is gone, and was last heard of 1m0s ago", "it did not answer in time", "it did not answer in time"} {
		if got := out.GetNodes()[i].GetUnanswered(); got != want {
			t.Errorf("node %d: %q, want %q", out.GetNodes()[i].GetNode(), got, want)
		}
	}
	if _, was := asked.Load(mesh.NodeID(2)); was {
		t.Error("a node that is gone, and that the command does not name, was asked")
	}
}

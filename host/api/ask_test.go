package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
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

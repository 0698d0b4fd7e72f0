package meshtest_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/meshtest"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func members(ids ...uint64) (out []*pluginv1.Member) {
	for _, id := range ids {
		out = append(out, &pluginv1.Member{Id: id, Seed: id <= 3})
	}
	return out
}

func TestTheMeshInMemoryDoesWhatTheContractDemands(t *testing.T) {
	meshtest.Check(t, func(t *testing.T) (p meshtest.Plugins) {
		n := meshtest.New(meshtest.Options{})
		p.Members = []*pluginv1.Member{{Id: 1, Seed: true}, {Id: 2}, {Id: 3}}
		for _, m := range p.Members {
			p.Conns = append(p.Conns, plugintest.Start(t, n.Construct, struct{}{}, plugintest.WithNode(m.GetId())).Conn())
		}
		return p
	})
}

// mesh is a network of five nodes, three of them seeds.
func mesh(t *testing.T) (*meshtest.Network, func(id uint64) *meshtest.Node) {
	t.Helper()
	n := meshtest.New(meshtest.Options{})
	for id := uint64(1); id <= 5; id++ {
		if err := n.Node(id).SetMembers(t.Context(), &pluginv1.SetMembersRequest{Members: members(1, 2, 3, 4, 5), Found: id == 1}); err != nil {
			t.Fatal(err)
		}
	}
	return n, n.Node
}

func order(id *meshtest.Node, height uint64, name string) error {
	return id.Order(context.Background(), &pluginv1.OrderRequest{Height: height, Id: []byte(name), Entry: []byte(name)})
}

func TestAMinorityOrdersNothing(t *testing.T) {
	n, node := mesh(t)
	if err := order(node(4), 1, "a"); err == nil {
		t.Error("a node without a record began the log")
	}
	if err := order(node(1), 1, "a"); err != nil {
		t.Fatal(err)
	}
	n.Cut([]uint64{1, 4}, []uint64{2, 3, 5})
	if err := order(node(4), 2, "b"); status.Code(err) != codes.Unavailable {
		t.Errorf("the minority: %v", err)
	}
	if err := order(node(5), 2, "c"); err != nil {
		t.Errorf("the majority: %v", err)
	}
	n.Heal()
	if err := order(node(4), 2, "b"); status.Code(err) != codes.Aborted {
		t.Errorf("healed, with a head that is old: %v", err)
	}
	n.LoseAnswers(true)
	if err := order(node(4), 3, "b"); status.Code(err) != codes.DeadlineExceeded || len(n.Log()) != 3 {
		t.Errorf("a lost answer: %v, %d entries", err, len(n.Log()))
	}
	if err := order(node(4), 3, "b"); err != nil || len(n.Log()) != 3 {
		t.Errorf("the same again: %v, %d entries", err, len(n.Log()))
	}
}

func TestALogThatWasSetBackIsFilledUpWithItsOwnTimes(t *testing.T) {
	n, node := mesh(t)
	for i, name := range []string{"a", "b", "c"} {
		if err := order(node(1), uint64(i+1), name); err != nil {
			t.Fatal(err)
		}
	}
	before := n.Log()
	n.SetBack(1)
	for i, e := range before[1:] {
		if err := node(2).Order(t.Context(), &pluginv1.OrderRequest{Height: uint64(i + 2), Entry: e.GetEntry(), LogTime: e.GetLogTime()}); err != nil {
			t.Fatal(err)
		}
	}
	for i, e := range n.Log() {
		if string(meshtest.Hash(e)) != string(meshtest.Hash(before[i])) || e.GetRefilled() != (i > 0) {
			t.Errorf("height %d: %v", i+1, e)
		}
	}
}

func TestASessionEndsWithoutNewTicksAndBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, node := mesh(t)
		ctx, cancel := context.WithCancel(t.Context())
		changes, ended := make(chan *pluginv1.PeerChange, 100), make(chan error, 1)
		go func() {
			ended <- node(5).Follow(ctx, &pluginv1.FollowRequest{}, func(b *pluginv1.MeshBatch) error {
				for _, p := range b.GetPeers() {
					changes <- p
				}
				return nil
			})
		}()
		tell := func(tick uint64) {
			if err := node(2).Tell(ctx, &pluginv1.TellRequest{Tick: tick, Self: &meshosv1.NodeSummary{Height: tick}}); err != nil {
				t.Error(err)
			}
		}
		health := func() pluginsdk.Health {
			samples, _ := node(5).SampleHealth(ctx, []pluginsdk.Peer{{ID: 2}})
			if len(samples) == 0 {
				return 0
			}
			return samples[0].Health
		}
		tell(1)
		if p := <-changes; p.GetId() != 2 || p.GetLeft() || p.GetSummary().GetHeight() != 1 || health() != pluginsdk.Healthy {
			t.Errorf("%v, %v", p, health())
		}
		tell(1) // no new tick
		if p := <-changes; p.GetLeft() {
			t.Errorf("%v", p) // its summary came again
		}
		if p := <-changes; !p.GetLeft() || p.GetOrderly() || health() != pluginsdk.Unreachable {
			t.Errorf("%v, %v", p, health())
		}
		n.Cut([]uint64{2})
		tell(2)
		n.Heal()
		tell(3)
		if p := <-changes; p.GetLeft() || p.GetSummary().GetHeight() != 3 {
			t.Errorf("%v", p)
		}
		n.Cut([]uint64{5})
		time.Sleep(2 * time.Second)
		if health() != 0 {
			t.Error("a node that is cut off knows something")
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestWhatANodeIsToldComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, node := mesh(t)
		n.Delay(time.Minute)
		began := time.Now()
		err := node(4).Follow(t.Context(), &pluginv1.FollowRequest{}, func(*pluginv1.MeshBatch) error { return io.EOF })
		if !errors.Is(err, io.EOF) || time.Since(began) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestWhoJoinsIsHeardOfByASeed(t *testing.T) {
	n, node := mesh(t)
	if err := node(9).Join(t.Context(), []byte("let me in")); err != nil {
		t.Fatal(err)
	}
	err := node(1).Follow(t.Context(), &pluginv1.FollowRequest{}, func(b *pluginv1.MeshBatch) error {
		if len(b.GetJoining()) == 1 && string(b.GetJoining()[0]) == "let me in" {
			return io.EOF
		}
		return nil
	})
	if !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	n.Cut([]uint64{9})
	if err := node(9).Join(t.Context(), []byte("again")); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
}

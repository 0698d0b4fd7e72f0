package meshlink_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/meshlink"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/pluginsdk/meshtest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// three runs a mesh of three ticking nodes in a bubble of time.
func three(t *testing.T, test func(t *testing.T, net *meshtest.Network, a, b, c *node)) {
	synctest.Test(t, func(t *testing.T) {
		net := meshtest.New(meshtest.Options{Session: 3 * time.Second})
		a, b, c := start(t, net, 1), start(t, net, 2), start(t, net, 3)
		defer ticking(a, b, c)()
		settle()
		test(t, net, a, b, c)
	})
}

// settle lets what is under way get through.
func settle() {
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

func TestOthersAreAnnouncedWithWhatTheySayOfThemselves(t *testing.T) {
	three(t, func(t *testing.T, net *meshtest.Network, a, b, c *node) {
		p := a.peer(2)
		if p.Name != "node-2" || p.Gone || p.Heard == nil || p.Address != "127.0.0.1" || p.Summary == nil {
			t.Fatalf("%+v", p)
		}
		if s := p.Summary; s.Version != "v1" || s.Phase != mesh.PhaseActive || mesh.LabelOf(s.Labels, "rack") != "r2" || s.Incarnation != 7 {
			t.Errorf("%+v", s)
		}
		if !b.peer(1).Seed || a.peer(1).ID != 0 {
			t.Errorf("the seed: %+v, itself: %+v", b.peer(1), a.peer(1))
		}
		b.show(func(s *snapshot.Snapshot) { s.Maintenance.Cordoned = true })
		settle()
		if !a.peer(2).Summary.Cordoned || !c.peer(2).Summary.Cordoned {
			t.Error("a cordon did not reach the others")
		}
	})
}

func TestEntriesAreRecordedBeforeTheirNodesAreKnown(t *testing.T) {
	three(t, func(t *testing.T, net *meshtest.Network, a, b, c *node) {
		for height, n := range []*node{a, b, c} {
			if err := order(t, n, uint64(height+1)); err != nil {
				t.Fatal(err)
			}
		}
		settle()
		for _, n := range []*node{a, b, c} {
			if h, _ := n.record.End(); h != 3 {
				t.Errorf("node %d recorded %d entries", n.id, h)
			}
		}
		if h := a.peer(3).Summary.Height; h != 3 {
			t.Errorf("node 3 says that it is at %d", h)
		}
	})
}

func TestAPluginThatComesBackIsToldEverythingAnew(t *testing.T) {
	three(t, func(t *testing.T, net *meshtest.Network, a, b, c *node) {
		_ = net.Node(2).SetMembers(t.Context(), &pluginv1.SetMembersRequest{}) // it has forgotten all
		b.plugin.renew()
		settle()
		if err := errors.Join(order(t, a, 1), order(t, b, 2)); err != nil {
			t.Error(err)
		}
		settle()
		if h, _ := b.record.End(); h != 2 || b.peer(3).Gone || a.peer(2).Gone {
			t.Errorf("height %d, %+v, %+v", h, b.peer(3), a.peer(2))
		}
	})
}

func TestAnOutageIsReportedOnceUntilItIsOver(t *testing.T) {
	three(t, func(t *testing.T, net *meshtest.Network, a, b, c *node) {
		b.plugin.breaks(errors.New("no seed"))
		b.plugin.renew()
		time.Sleep(time.Minute)
		if said := b.said(); len(said) != 1 || !strings.HasPrefix(said[0], "mesh:follow: no seed") {
			t.Errorf("%q", said)
		}
		b.plugin.breaks(nil)
		if err := order(t, a, 1); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if h, _ := b.record.End(); h != 1 {
			t.Errorf("height %d", h)
		}
		b.plugin.breaks(errors.New("no seed again"))
		b.plugin.renew()
		time.Sleep(time.Minute)
		if said := b.said(); len(said) != 2 {
			t.Errorf("%q", said)
		}
	})
}

func TestARecordThatTakesNothingIsTriedAgain(t *testing.T) {
	three(t, func(t *testing.T, net *meshtest.Network, a, b, c *node) {
		c.record.mu.Lock()
		c.record.refuse = errDisk
		c.record.mu.Unlock()
		if err := order(t, a, 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		if said := c.said(); len(said) != 1 || !strings.Contains(said[0], errDisk.Error()) {
			t.Errorf("%q", said)
		}
		c.record.mu.Lock()
		c.record.refuse = nil
		c.record.mu.Unlock()
		time.Sleep(10 * time.Second)
		if h, _ := c.record.End(); h != 1 {
			t.Errorf("height %d", h)
		}
	})
}

func TestWhoIsCutOffIsGoneAndComesBack(t *testing.T) {
	three(t, func(t *testing.T, net *meshtest.Network, a, b, c *node) {
		net.Cut([]uint64{3})
		time.Sleep(6 * time.Second)
		if p := a.peer(3); !p.Gone || p.Orderly || p.Summary == nil || p.Address == "" {
			t.Errorf("%+v", p)
		}
		if err := order(t, c, 1); status.Code(err) != codes.Unavailable {
			t.Error(err)
		}
		net.Heal()
		time.Sleep(6 * time.Second)
		if p := a.peer(3); p.Gone {
			t.Errorf("%+v", p)
		}
	})
}

func TestWhoLeavesSaysSo(t *testing.T) {
	three(t, func(t *testing.T, net *meshtest.Network, a, b, c *node) {
		c.Leave(t.Context())
		settle()
		if p := a.peer(3); !p.Gone || !p.Orderly {
			t.Errorf("%+v", p)
		}
		time.Sleep(10 * time.Second)
		if p := a.peer(3); !p.Gone {
			t.Error("it came back by itself")
		}
	})
}

func TestMembersComeAndGoWithTheRecord(t *testing.T) {
	three(t, func(t *testing.T, net *meshtest.Network, a, b, c *node) {
		d := start(t, net, 4)
		for _, n := range []*node{a, b, c, d} {
			n.record.setMembers(n.id == 1, 1, 2, 3, 4)
		}
		defer ticking(d)()
		settle()
		if p := a.peer(4); p.Gone || p.Name != "node-4" || p.Summary == nil {
			t.Errorf("the new one: %+v", p)
		}
		for _, n := range []*node{a, b, d} {
			n.record.setMembers(n.id == 1, 1, 2, 4)
		}
		settle()
		a.mu.Lock()
		defer a.mu.Unlock()
		if _, known := a.peers[3]; known || fmt.Sprint(a.expelled) != "[3]" {
			t.Errorf("the expelled one: %v, %v", known, a.expelled)
		}
	})
}

func TestP5_NoMorePeersAreKnownThanThereIsRoomFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := meshtest.New(meshtest.Options{})
		a := start(t, net, 1)
		a.mu.Lock()
		a.room = 10
		a.mu.Unlock()
		defer ticking(a)()
		settle()
		var all []uint64
		for id := uint64(1); id <= 3000; id++ {
			all = append(all, id)
		}
		a.record.setMembers(true, all...)
		settle()
		a.mu.Lock()
		defer a.mu.Unlock()
		if n := len(a.peers); n < 10 || n > 12 { // two may be from before
			t.Errorf("%d peers", len(a.peers))
		}
		if len(a.reports) != 1 || !strings.Contains(a.reports[0], "is a member of the mesh and not known here") {
			t.Errorf("%q", a.reports)
		}
	})
}

func TestAPluginThatNamesStrangersIsReportedOnce(t *testing.T) {
	three(t, func(t *testing.T, net *meshtest.Network, a, b, c *node) {
		lies := &liar{inMemory: b.plugin}
		b.Install(nil)
		settle()
		b.Install(lies)
		settle()
		if said := b.said(); len(said) != 1 || !strings.Contains(said[0], "more than 256 nodes that are no members") {
			t.Errorf("%q", said)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.peers) != 2 || b.inputs > 20 {
			t.Errorf("%d peers by %d inputs", len(b.peers), b.inputs)
		}
	})
}

// liar names a million nodes.
type liar struct{ *inMemory }

func (l *liar) Follow(ctx context.Context, _ *pluginv1.FollowRequest, take func(context.Context, *pluginv1.MeshBatch) error) error {
	for id := uint64(10); id < 1_000_000; id += 1000 {
		b := &pluginv1.MeshBatch{}
		for i := range uint64(1000) {
			b.Peers = append(b.Peers, &pluginv1.PeerChange{Id: id + i})
		}
		if err := take(ctx, b); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestWhatThePluginSaysWentWrongIsReported(t *testing.T) {
	three(t, func(t *testing.T, net *meshtest.Network, a, b, c *node) {
		b.Install(nil)
		settle()
		b.Install(&complaining{inMemory: b.plugin})
		settle()
		if said := b.said(); len(said) != 1 || said[0] != "mesh:chain 7: it rots" {
			t.Errorf("%q", said)
		}
	})
}

// complaining says that something went wrong.
type complaining struct{ *inMemory }

func (c *complaining) Follow(ctx context.Context, _ *pluginv1.FollowRequest, take func(context.Context, *pluginv1.MeshBatch) error) error {
	if err := take(ctx, &pluginv1.MeshBatch{Failures: []*meshosv1.FailureReport{{Source: "chain 7", Reason: "it rots"}}}); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestQuestionsAreAnsweredForMembersOnly(t *testing.T) {
	three(t, func(t *testing.T, net *meshtest.Network, a, b, c *node) {
		b.answer = func(ctx context.Context, from uint64, method string, send func([]byte) error) error {
			if method == "Forever" {
				<-ctx.Done()
				return ctx.Err()
			}
			for i := range 100 {
				if err := send(fmt.Appendf(nil, "%s %d for %d", method, i, from)); err != nil {
					return err
				}
			}
			return status.Error(codes.OutOfRange, "that is all")
		}
		var got []string
		err := a.Ask(t.Context(), &pluginv1.AskRequest{Node: 2, Method: "List"}, func(_ context.Context, r []byte) error {
			got = append(got, string(r))
			return nil
		})
		if status.Code(err) != codes.OutOfRange || len(got) != 100 || got[99] != "List 99 for 1" {
			t.Errorf("%d messages, %v", len(got), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		none := func(context.Context, []byte) error { return nil }
		if err := a.Ask(ctx, &pluginv1.AskRequest{Node: 2, Method: "Forever"}, none); err == nil {
			t.Error("it was answered")
		}
		b.record.setMembers(false, 1, 2)
		settle()
		err = c.Ask(t.Context(), &pluginv1.AskRequest{Node: 2, Method: "List"}, none)
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("a stranger gets %v", err)
		}
	})
}

func TestWithoutAPluginNothingIsOrdered(t *testing.T) {
	three(t, func(t *testing.T, net *meshtest.Network, a, b, c *node) {
		a.Install(nil)
		settle()
		if err := order(t, a, 1); !errors.Is(err, meshlink.ErrNoPlugin) {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		a.Leave(ctx)
		if ctx.Err() != nil {
			t.Error("it waited for a plugin that there is not")
		}
	})
}

// A node that begins again while the mesh is away knows how the others are measured, and where
// they stand, but not how they are.
func TestAMemberIsKnownAfterARestartWithoutTheMesh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, kept := meshtest.New(meshtest.Options{Session: 3 * time.Second}), &keeper{}
		a, b := start(t, net, 1), startWith(t, net, 2, kept)
		stop := ticking(a, b)
		settle()
		if got := kept.of(1); got.Name != "node-1" || got.Address != "127.0.0.1" || mesh.LabelOf(got.Labels, "rack") != "r1" {
			t.Fatalf("kept %+v", got)
		}
		writes := kept.writes
		time.Sleep(time.Minute)
		if kept.writes != writes {
			t.Errorf("written %d times although nothing changed", kept.writes-writes)
		}
		stop()
		b.end()

		again := startWith(t, net, 2, kept)
		again.Install(nil)
		settle()
		p := again.peer(1)
		if p.Name != "node-1" || p.Address != "127.0.0.1" || !p.Gone || p.Heard != nil || mesh.LabelOf(p.Summary.Labels, "rack") != "r1" || p.Summary.Phase != mesh.PhaseUnknown {
			t.Errorf("after the restart it is %+v, %+v", p, p.Summary)
		}
		if p := again.peer(3); p.ID != 3 || p.Address != "" {
			t.Errorf("a member that never said anything is %+v", p)
		}
		again.record.setMembers(false, 2, 3)
		settle()
		if got := kept.of(1); got.ID != 0 {
			t.Errorf("an expelled node is kept: %+v", got)
		}
	})
}

func TestWhatCanNotBeKeptIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := meshtest.New(meshtest.Options{Session: 3 * time.Second})
		kept := &keeper{broken: errDisk}
		a, b := start(t, net, 1), startWith(t, net, 2, kept)
		stop := ticking(a, b)
		defer stop()
		time.Sleep(time.Minute)
		said := b.said()
		if len(said) != 2 || !strings.Contains(said[0], "can't be read") || !strings.Contains(said[1], "the disk takes nothing") {
			t.Errorf("reported %q", said)
		}
		kept.breaks(nil)
		settle()
		settle()
		if kept.of(1).Address == "" {
			t.Error("nothing is kept although the disk takes it again")
		}
	})
}

package cluster_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// stored returns what a log goes on from at its last checkpoint, as a node makes it from its
// record, and the state behind the log's last entry.
func stored(t *testing.T, entries []*meshosv1.LoggedEntry) (*meshosv1.StoredState, *cluster.State) {
	t.Helper()
	all := cluster.New()
	for _, e := range entries {
		c, err := all.Check(e)
		if err != nil {
			t.Fatal(err)
		}
		all.Fold(c)
	}
	mark, at := all.Checkpoint()
	s, encoded, chain := cluster.New(), []byte(nil), cluster.Chain{}
	for _, e := range entries {
		c, err := s.Check(e)
		if err != nil {
			t.Fatal(err)
		}
		out := s.Fold(c)
		if out.Place.Height < at {
			chain.See(e, out)
		}
		if out.Place.Height == mark.Height {
			if encoded, err = s.Encode(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return cluster.Store(encoded, chain, entries[at-1], at), all
}

// checkpointed returns a log with a checkpoint, whose members and signers changed before and
// behind it.
func checkpointed(t *testing.T, operators bool) *clustertest.Log {
	t.Helper()
	l := clustertest.New(t, operators)
	order := func(ev mesh.AdminEvent, who ...int) *meshosv1.OrderedEntry {
		if !operators {
			return clustertest.Unsigned(ev)
		}
		return l.Commit(ev, who...)
	}
	must := func(o cluster.Outcome) {
		t.Helper()
		if o.Order.Outcome.Verdict == mesh.VerdictRejected {
			t.Fatal(o)
		}
	}
	token := mesh.AdmitNode{Node: 2, TokenKey: clustertest.TokenKey(2).Public(), Expires: l.Now.Add(time.Hour), Seed: true}
	must(l.Add(order(token, alice), 1))
	must(l.Add(clustertest.Joining(2, "bravo", 2), 1))
	must(l.Add(order(clustertest.Node(3, "charlie", true), bob), 2))
	must(l.Add(order(clustertest.Node(4, "delta", false), bob), 2))
	must(l.Add(order(mesh.ExpelNode{Node: 4}, alice, bob), 3))
	if operators {
		l.Now = l.Now.Add(time.Hour)
		must(l.Add(l.Commit(mesh.SetSigners{AllowedSigners: clustertest.Signers(t, alice, eve), NeedOrdinary: 1, NeedBreakGlass: 2}, alice, bob), 1))
		l.Now = l.Now.Add(time.Hour)
		must(l.Add(l.Recovery(mesh.SetSigners{AllowedSigners: clustertest.Signers(t, alice, bob, eve), NeedOrdinary: 1, NeedBreakGlass: 2}, 2, 3), 3))
	}
	grow(l, cluster.MarkEvery+3)
	mark := l.State.Marks()[0]
	l.Now = l.Now.Add(time.Hour)
	must(l.Add(order(clustertest.Node(5, "echo", false), alice), 2))
	must(l.Add(order(mesh.Checkpoint{Height: mark.Height, State: mark.Sum}, alice, eve), 5))
	must(l.Add(order(mesh.Drain{Node: 3}, alice), 3))
	return l
}

func TestALogGoesOnFromACheckpoint(t *testing.T) {
	for _, operators := range []bool{true, false} {
		t.Run(fmt.Sprintf("operators %v", operators), func(t *testing.T) {
			l := checkpointed(t, operators)
			in, all := stored(t, l.Entries)
			b, err := cluster.OpenStored(in, all.Founding())
			if err != nil {
				t.Fatal(err)
			}
			s := b.State
			if s.Height() != cluster.MarkEvery || b.Height() != s.Height() {
				t.Fatalf("height %d", s.Height())
			}
			for _, e := range l.Entries[s.Height():] {
				c, err := s.Check(e)
				if err != nil {
					t.Fatal(err)
				}
				s.Fold(c)
			}
			if s.Sum() != all.Sum() {
				t.Errorf("it leads to\n%v\nand the whole log to\n%v", s.ToProto(), all.ToProto())
			}
			if err := b.Follows(all, func(height uint64) (cluster.Hash, bool) { return cluster.HashOf(l.Entries[height-1]), true }); err != nil {
				t.Error(err)
			}
			if err := b.Follows(all, func(uint64) (cluster.Hash, bool) { return cluster.Hash{1}, true }); err == nil {
				t.Error("it is of another log, and follows this one")
			}
		})
	}
}

func TestAStoredStateThatNobodyVouchesForIsRefused(t *testing.T) {
	l := checkpointed(t, true)
	good, all := stored(t, l.Entries)
	edited := func(change func(s *meshosv1.ClusterState)) []byte {
		var s meshosv1.ClusterState
		if err := proto.Unmarshal(good.GetEncoded(), &s); err != nil {
			t.Fatal(err)
		}
		change(&s)
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(&s)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	last := len(good.GetChain()) - 1
	// resealed is the entry of the checkpoint with another command in it, by node 5.
	resealed := func(e *meshosv1.OrderedEntry) *meshosv1.LoggedEntry {
		raw, err := all.Seal(e, 5, good.GetChain()[last].GetLogTime().AsTime(), clustertest.NodeKey(5))
		if err != nil {
			t.Fatal(err)
		}
		return &meshosv1.LoggedEntry{Entry: raw, LogTime: good.GetChain()[last].GetLogTime()}
	}
	l.Now = good.GetChain()[last].GetLogTime().AsTime()
	forged := edited(func(s *meshosv1.ClusterState) { s.FrozenUntil = timestamppb.New(l.Now.Add(time.Hour)) })
	var other meshosv1.ClusterState
	if err := proto.Unmarshal(forged, &other); err != nil {
		t.Fatal(err)
	}
	otherState, err := cluster.FromProto(&other)
	if err != nil {
		t.Fatal(err)
	}
	lie := mesh.Checkpoint{Height: cluster.MarkEvery, State: otherState.Sum()}
	for name, change := range map[string]func(s *meshosv1.StoredState){
		"another state":      func(s *meshosv1.StoredState) { s.Encoded = forged },
		"a bit of the state": func(s *meshosv1.StoredState) { s.Encoded[len(s.Encoded)/2] ^= 1 },
		"no state":           func(s *meshosv1.StoredState) { s.Encoded = nil },
		"no chain":           func(s *meshosv1.StoredState) { s.Chain = nil },
		"no checkpoint":      func(s *meshosv1.StoredState) { s.Chain = s.Chain[:last] },
		"a member too few":   func(s *meshosv1.StoredState) { s.Chain = append(s.Chain[:1:1], s.Chain[3:]...) },
		"signers left out":   func(s *meshosv1.StoredState) { s.Chain = append(s.Chain[:6:6], s.Chain[7:]...) },
		"another order": func(s *meshosv1.StoredState) {
			s.Chain[1], s.Chain[2] = s.Chain[2], s.Chain[1]
		},
		"a member more": func(s *meshosv1.StoredState) {
			s.Encoded = edited(func(s *meshosv1.ClusterState) { s.Members = append(s.Members, proto.CloneOf(s.Members[0])) })
		},
		"signed by one operator": func(s *meshosv1.StoredState) {
			s.Encoded = forged
			s.Chain[last] = resealed(l.Commit(lie, eve))
		},
		"signed by nobody": func(s *meshosv1.StoredState) {
			s.Encoded = forged
			s.Chain[last] = resealed(clustertest.Unsigned(lie))
		},
		"signed by operators of before": func(s *meshosv1.StoredState) {
			s.Encoded = forged
			s.Chain = append(s.Chain[:6:6], resealed(l.Commit(lie, alice, bob)))
		},
	} {
		in := proto.CloneOf(good)
		change(in)
		if b, err := cluster.OpenStored(in, all.Founding()); err == nil {
			t.Errorf("%s: it is believed, at height %d", name, b.Height())
		}
	}
	var refused *cluster.StoredError
	if _, err := cluster.OpenStored(good, cluster.Hash{1}); !errors.As(err, &refused) {
		t.Errorf("of another mesh: %v", err)
	}
	in := proto.CloneOf(good)
	in.Encoded, in.Chain[last] = forged, resealed(l.Commit(lie, alice, eve))
	if _, err := cluster.OpenStored(in, all.Founding()); err != nil {
		t.Errorf("signed by those who command, and refused: %v", err)
	}
	if _, err := cluster.OpenStored(good, all.Founding()); err != nil {
		t.Errorf("the right one: %v", err)
	}
}

func TestWhatHoldsAtACheckpointIsFoldedByThoseWhoMissedTheOrders(t *testing.T) {
	kinds := func(in []mesh.JudgedCommit) (out []string) {
		for _, c := range in {
			out = append(out, fmt.Sprintf("%d %s", c.Ordered.Height, c.Event.Kind()))
		}
		return out
	}
	l := clustertest.New(t, false)
	do := func(ev mesh.AdminEvent) { want(t, l.Add(clustertest.Unsigned(ev), 1), "unverified") }
	do(mesh.Cordon{Node: 1})
	do(mesh.SetDaemonIntent{Node: 1, Daemon: mesh.DaemonRef{ID: 3}, Intent: mesh.IntentStop})
	before, err := cluster.FromProto(l.State.ToProto())
	if err != nil {
		t.Fatal(err)
	}
	do(mesh.Uncordon{Node: 1})
	do(mesh.EnterMaintenance{Node: 1})
	do(mesh.FreezeCluster{TTL: time.Hour})
	got := l.State.Holding(before)
	if text := fmt.Sprint(kinds(got)); text != "[6 uncordon 5 enter_maintenance 6 freeze_cluster 6 checkpoint]" {
		t.Errorf("missed: %s", text)
	}
	if text := fmt.Sprint(kinds(l.State.Holding(nil))); text != "[1 admit_node 3 set_daemon_intent 5 enter_maintenance 6 freeze_cluster 6 checkpoint]" {
		t.Errorf("from nothing: %s", text)
	}
	if text := fmt.Sprint(kinds(l.State.Holding(l.State))); text != "[6 freeze_cluster 6 checkpoint]" {
		t.Errorf("nothing missed: %s", text)
	}
}

func TestEachFieldOfTheEncodedStateComesBack(t *testing.T) {
	l := checkpointed(t, true)
	for _, ev := range []mesh.AdminEvent{
		mesh.EnterMaintenance{Node: 3},
		mesh.Cordon{Node: 3},
		mesh.SetDaemonIntent{Node: 3, Daemon: mesh.DaemonRef{ID: 7}, Intent: mesh.IntentStop},
		mesh.SetPlacement{Node: 3, Chain: 9, Desired: new(uint32)},
		mesh.SetLocalReplica{Node: 3, Chain: 9, Intent: mesh.HoldDrop},
		mesh.AdmitNode{Node: 6, TokenKey: clustertest.TokenKey(6).Public(), Expires: l.Now.Add(time.Hour)},
	} {
		want(t, l.Add(l.Commit(ev, alice), 1), "accepted")
	}
	want(t, l.Add(l.Commit(mesh.SetChain{Chain: 4, Name: "orders", Replicas: 1, Spread: "rack", Stream: mesh.ChainStream{Subjects: []string{"orders"}, MaxBytes: 1 << 20}}, alice), 1), "accepted")
	want(t, l.Add(l.Commit(mesh.FreezeCluster{TTL: time.Hour}, alice, bob), 1), "accepted")
	in := l.State.ToProto()
	in.FoundingChains = 3 // which are long over where marks are
	fields := in.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); !in.ProtoReflect().Has(f) {
			t.Errorf("the state of this test has no %s: have the log lead to one", f.Name())
		}
	}
	if n := len(in.GetOrders()); n != 8 {
		t.Errorf("%d orders hold: have the log of this test hold one of each kind", n)
	}
	s, err := cluster.FromProto(in)
	if err != nil {
		t.Fatal(err)
	}
	if out := s.ToProto(); !proto.Equal(in, out) {
		t.Errorf("%v comes back as\n%v", in, out)
	}
}

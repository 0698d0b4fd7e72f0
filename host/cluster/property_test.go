package cluster_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/golden"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// random adds random entries to a log: good ones, wrong ones, and the same again.
func random(t *testing.T, r *rapid.T, l *clustertest.Log, count int) {
	node := rapid.SampledFrom([]mesh.NodeID{1, 2, 3, 4})
	var sent []*meshosv1.OrderedEntry
	for range count {
		l.Now = l.Now.Add(rapid.SampledFrom([]time.Duration{0, time.Second, -5 * time.Second, 40 * time.Second, 6 * time.Minute}).Draw(r, "later"))
		l.Skew = rapid.SampledFrom([]time.Duration{0, 0, 0, 20 * time.Second, time.Hour, -time.Hour}).Draw(r, "skew")
		by := rapid.SampledFrom(l.State.Members()).Draw(r, "by").Node
		id := node.Draw(r, "node")
		ev := rapid.SampledFrom([]mesh.AdminEvent{
			mesh.Cordon{Node: id},
			mesh.Uncordon{Node: id},
			mesh.Drain{Node: id},
			mesh.ThawCluster{},
			mesh.FreezeCluster{TTL: 30 * time.Second},
			mesh.FlushAvoidLists{OnPeer: id},
			mesh.SetLocalReplica{Node: id, Chain: 3, Intent: mesh.HoldKeep},
			mesh.ExpelNode{Node: id},
			clustertest.Node(id, "n", id == 2),
			mesh.SetSigners{AllowedSigners: clustertest.Signers(t, alice, bob, eve), NeedBreakGlass: 2},
			mesh.AcknowledgeRecovery{},
			anyCheckpoint(r, l.State),
			mesh.AdmitNode{Node: id, TokenKey: clustertest.TokenKey(1).Public(), Expires: l.Now.Add(time.Minute), Replace: rapid.Bool().Draw(r, "replace")},
		}).Draw(r, "event")
		signers := rapid.SliceOfN(rapid.SampledFrom([]int{alice, bob, eve}), 0, 3).Draw(r, "by whom")
		var e *meshosv1.OrderedEntry
		switch how := rapid.IntRange(0, 9).Draw(r, "how"); {
		case how == 0 && len(sent) > 0:
			e = rapid.SampledFrom(sent).Draw(r, "again")
		case how == 1:
			e = clustertest.Joining(id, "joined", 1)
		case how == 2:
			e = clustertest.Unsigned(ev)
		case how == 3:
			by := rapid.SliceOfNDistinct(node, 0, 3, rapid.ID).Draw(r, "seeds")
			e = l.Recovery(mesh.SetSigners{AllowedSigners: clustertest.Signers(t, alice, bob), NeedBreakGlass: 2}, by...)
		default:
			e = l.Commit(ev, signers...)
		}
		sent = append(sent, proto.CloneOf(e))
		l.Add(e, by)
	}
}

// anyCheckpoint returns a checkpoint that is right where one may be.
func anyCheckpoint(r *rapid.T, s *cluster.State) mesh.Checkpoint {
	marks := append(s.Marks(), cluster.Mark{Height: 64, Sum: s.Sum()})
	m := rapid.SampledFrom(marks).Draw(r, "mark")
	return mesh.Checkpoint{Height: m.Height, State: m.Sum}
}

// However the entries come — in any order, in any portions, more than once — a node that folds
// them has the state of all others.
func TestTheStateDependsOnTheLogAlone(t *testing.T) {
	testkit.Cases(t, 40)
	rapid.Check(t, func(r *rapid.T) {
		l := clustertest.New(t, rapid.Bool().Draw(r, "operators"))
		random(t, r, l, 15)
		order := rapid.Permutation(l.Entries).Draw(r, "order")
		s := cluster.New()
		for s.Height() < l.State.Height() {
			for _, e := range order {
				c, err := s.Check(e)
				var gap *cluster.GapError
				switch {
				case errors.As(err, &gap):
					continue
				case err != nil:
					r.Fatal(err)
				}
				s.Fold(c)
			}
		}
		if s.Sum() != l.State.Sum() {
			r.Fatalf("two states of one log:\n%v\n%v", s.ToProto(), l.State.ToProto())
		}
	})
}

// A state that was encoded and decoded goes on as the one that was not; so does one that is
// made from the node's own record without verifying signatures again.
func TestAStateThatWasEncodedGoesOn(t *testing.T) {
	testkit.Cases(t, 40)
	rapid.Check(t, func(r *rapid.T) {
		l := clustertest.New(t, rapid.Bool().Draw(r, "operators"))
		random(t, r, l, 15)
		at := rapid.IntRange(0, len(l.Entries)-1).Draw(r, "at")
		s, recorded := cluster.New(), cluster.New()
		for i, e := range l.Entries {
			if i == at {
				raw, err := s.Encode()
				if err != nil {
					r.Fatal(err)
				}
				var in meshosv1.ClusterState
				if err := proto.Unmarshal(raw, &in); err != nil {
					r.Fatal(err)
				}
				before := s.Sum()
				if s, err = cluster.FromProto(&in); err != nil {
					r.Fatal(err)
				}
				if s.Sum() != before {
					r.Fatalf("encoding changes the state to %v", s.ToProto())
				}
			}
			c, err := s.Check(e)
			if err != nil {
				r.Fatal(err)
			}
			first := s.Fold(c)
			again, err := recorded.Recorded(c.Record())
			if err != nil {
				r.Fatal(err)
			}
			if second := recorded.Fold(again); second.String() != first.String() || len(second.Order.Operators) != len(first.Order.Operators) {
				r.Fatalf("the record says %s, the log %s", second, first)
			}
		}
		if s.Sum() != l.State.Sum() || recorded.Sum() != l.State.Sum() {
			r.Fatal("the states differ")
		}
	})
}

// No command counts twice, however often and by whom it is ordered.
func TestNothingIsAcceptedTwice(t *testing.T) {
	testkit.Cases(t, 40)
	rapid.Check(t, func(r *rapid.T) {
		l := clustertest.New(t, true)
		random(t, r, l, 30)
		s, accepted := cluster.New(), map[string]uint64{}
		for _, e := range l.Entries {
			c, err := s.Check(e)
			if err != nil {
				r.Fatal(err)
			}
			o := s.Fold(c)
			id := string(o.Order.CommitID)
			if o.Order.Outcome.Verdict != mesh.VerdictAccepted || id == "" {
				continue
			}
			if before, is := accepted[id]; is {
				r.Fatalf("the command of height %d is accepted again: %s", before, o)
			}
			accepted[id] = o.Place.Height
			if o.Order.Envelope == nil || o.Order.Operators == nil {
				r.Fatalf("%s: an accepted command lacks its signatures", o)
			}
		}
	})
}

// TestAWholeLog shows what each entry of one log leads to; the encoding and with it admin_state
// must never change.
func TestAWholeLog(t *testing.T) {
	l := clustertest.New(t, true)
	var out strings.Builder
	add := func(o cluster.Outcome) {
		out.WriteString(o.String() + "\n  admin_state " + l.State.Sum().String() + "\n")
	}
	token := mesh.AdmitNode{Node: 3, TokenKey: clustertest.TokenKey(3).Public(), Expires: l.Now.Add(time.Hour), Seed: true}
	cordon := clustertest.Sign(t, l.Command(mesh.Cordon{Node: 1}), alice)
	for _, e := range []*meshosv1.OrderedEntry{
		l.Commit(clustertest.Node(2, "bravo", false), alice), l.Commit(token, bob), clustertest.Joining(3, "charlie", 3),
		clustertest.Commit(cordon), clustertest.Commit(cordon), l.Commit(mesh.Drain{Node: 3, DrainFor: time.Minute}, bob),
		l.Commit(mesh.FreezeCluster{TTL: time.Minute}, alice, bob), l.Commit(mesh.Cordon{Node: 2}, alice), l.Commit(mesh.ThawCluster{}, alice),
		l.Commit(mesh.SetDaemonIntent{Node: 2, Daemon: mesh.DaemonRef{ID: 7, Name: "db"}, Intent: mesh.IntentStop}, bob),
		l.Commit(mesh.SetSigners{AllowedSigners: clustertest.Signers(t, alice, eve), NeedBreakGlass: 2}, alice, bob),
		l.Commit(mesh.Cordon{Node: 2}, bob), l.Commit(mesh.ExpelNode{Node: 1}, alice, eve),
	} {
		add(l.Add(e, mesh.NodeID(1+l.State.Height()%uint64(len(l.State.Members())))))
	}
	l.Skew = time.Minute
	add(l.Add(l.Commit(mesh.Cordon{Node: 2}, alice), 2))
	golden.Check(t, "testdata/log.txt", out.String())
}

func FuzzEntriesFromOutside(f *testing.F) {
	t := &testing.T{}
	l := clustertest.New(t, true)
	for _, e := range []*meshosv1.OrderedEntry{
		l.Commit(mesh.Cordon{Node: 1}, alice), clustertest.Unsigned(mesh.Cordon{Node: 1}), clustertest.Joining(2, "bravo", 1),
	} {
		logged := l.Seal(e, 1)
		f.Add(logged.GetEntry(), logged.GetLogTime().GetSeconds(), logged.GetLogTime().GetNanos())
	}
	f.Add([]byte{}, int64(0), int32(0))
	f.Fuzz(func(t *testing.T, raw []byte, seconds int64, nanos int32) {
		logged := &meshosv1.LoggedEntry{Entry: raw, LogTime: &timestamppb.Timestamp{Seconds: seconds, Nanos: nanos}}
		before := l.State.Sum()
		if _, err := l.State.Check(logged); err != nil && l.State.Sum() != before {
			t.Fatal("an entry that is refused changes the state")
		}
		if _, err := l.State.Recorded(&meshosv1.RecordedEntry{Logged: logged}); err == nil {
			s := clustertest.New(t, true).State
			if c, err := s.Recorded(&meshosv1.RecordedEntry{Logged: logged}); err == nil {
				if s.Fold(c); s.Height() != c.Height() || s.Head() != c.Hash() {
					t.Fatal("it was folded and is not there")
				}
			}
		}
	})
}

func TestWhatIsTooOldIsMomentary(t *testing.T) {
	for ev, momentary := range map[mesh.AdminEvent]bool{
		mesh.StopNode{}: true, mesh.RestartDaemon{}: true, mesh.ForceCutover{}: true, mesh.FlushAvoidLists{}: true,
		mesh.Drain{}: false, mesh.FreezeCluster{}: false, mesh.SetLocalReplica{}: false, mesh.EnterMaintenance{}: false,
	} {
		if cluster.Momentary(ev) != momentary {
			t.Errorf("%s", ev.Kind())
		}
	}
}

package cluster_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	alice = clustertest.Alice
	bob   = clustertest.Bob
	eve   = clustertest.Eve
)

// verdict returns "accepted", "unverified" or the kind of rejection.
func verdict(o cluster.Outcome) string {
	switch o.Order.Outcome.Verdict {
	case mesh.VerdictAccepted:
		return "accepted"
	case mesh.VerdictUnverified:
		return "unverified"
	}
	return o.Order.Outcome.Kind
}

func want(t *testing.T, o cluster.Outcome, kind string) {
	t.Helper()
	if got := verdict(o); got != kind {
		t.Errorf("%s: want %s", o, kind)
	}
}

// two returns a log with two members, of whom the first is a seed.
func two(t *testing.T) *clustertest.Log {
	t.Helper()
	l := clustertest.New(t, true)
	want(t, l.Add(l.Commit(clustertest.Node(2, "bravo", false), alice), 1), "accepted")
	return l
}

func TestTheFirstEntryFoundsTheMesh(t *testing.T) {
	l := clustertest.New(t, true)
	s := l.State
	if s.Height() != 1 || s.Cluster() != clustertest.Cluster || s.Founding() != s.Head() || s.Founding() == (cluster.Hash{}) {
		t.Errorf("height %d, cluster %q, founding %s, head %s", s.Height(), s.Cluster(), s.Founding(), s.Head())
	}
	if m := s.Members(); len(m) != 1 || m[0].Name != "alpha" || !m[0].Seed {
		t.Errorf("members %v", m)
	}
	if set, _, height := s.Signers(); set.Persons() != 2 || height != 1 {
		t.Errorf("%d persons, set at height %d", set.Persons(), height)
	}
	if _, err := cluster.New().Check(l.Seal(l.Commit(mesh.Cordon{Node: 1}, alice), 1)); !is[*cluster.GapError](err) {
		t.Errorf("another entry than the first one: %v", err)
	}
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func TestCommitsAreJudgedInLogTime(t *testing.T) {
	l := two(t)
	want(t, l.Add(l.Commit(mesh.Drain{Node: 2}, alice), 2), "accepted")
	want(t, l.Add(l.Commit(mesh.Drain{Node: 2}, eve), 1), rules.KindNotAuthorized)
	want(t, l.Add(l.Commit(mesh.Drain{Node: 2}), 1), rules.KindInsufficient)
	want(t, l.Add(l.Commit(mesh.FreezeCluster{TTL: time.Minute}, alice), 1), rules.KindInsufficient)

	command := clustertest.Sign(t, l.Command(mesh.Uncordon{Node: 2}), bob)
	want(t, l.Add(clustertest.Commit(command), 1), "accepted")
	want(t, l.Add(clustertest.Commit(command), 2), rules.KindReplayed)

	old := clustertest.Sign(t, l.Command(mesh.Cordon{Node: 1}), alice)
	atEnd := clustertest.Sign(t, l.Command(mesh.Cordon{Node: 1}), bob)
	l.Now = l.Now.Add(5 * time.Minute)
	want(t, l.Add(clustertest.Commit(atEnd), 1), "accepted")
	want(t, l.Add(clustertest.Commit(old), 1), rules.KindExpired)
	l.Now = l.Now.Add(time.Hour) // the nonce is forgotten, and the command is too old
	want(t, l.Add(clustertest.Commit(command), 1), rules.KindExpired)

	other := l.Command(mesh.Cordon{Node: 1})
	other.ClusterId = "another"
	want(t, l.Add(clustertest.Commit(clustertest.Sign(t, other, alice)), 1), rules.KindWrongCluster)
	future := l.Command(mesh.Cordon{Node: 1})
	future.IssuedAt = timestamppb.New(l.Now.Add(31 * time.Second))
	want(t, l.Add(clustertest.Commit(clustertest.Sign(t, future, alice)), 1), rules.KindFuture)
	here := l.Command(mesh.Cordon{Node: 1})
	here.OnlyOn = 1
	want(t, l.Add(clustertest.Commit(clustertest.Sign(t, here, alice)), 1), rules.KindOnlyOn)
	want(t, l.Add(clustertest.Commit(&meshosv1.SignedCommit{Payload: []byte("what?")}), 1), mesh.RejectMalformed)
	want(t, l.Add(l.Commit(mesh.Cordon{Node: 7}, alice), 1), cluster.KindUnknown)
	want(t, l.Add(l.Commit(mesh.ForceRestartDaemon{Daemon: mesh.DaemonRef{ID: 1}}, alice, bob), 1), cluster.KindUnknown)
	want(t, l.Add(clustertest.Unsigned(mesh.Cordon{Node: 1}), 1), mesh.RejectUnsigned)
}

func TestAFreezeOfTheLogHoldsOrdinaryCommandsBack(t *testing.T) {
	l := two(t)
	want(t, l.Add(l.Commit(mesh.FreezeCluster{TTL: 10 * time.Second}, alice, bob), 1), "accepted")
	held := clustertest.Sign(t, l.Command(mesh.Cordon{Node: 1}), alice)
	want(t, l.Add(clustertest.Commit(held), 2), mesh.RejectFrozen)
	want(t, l.Add(clustertest.Commit(held), 2), rules.KindReplayed) // as at the door of a node
	want(t, l.Add(l.Commit(mesh.FreezeCluster{TTL: time.Hour}, alice, bob), 1), rules.KindCooldown)
	want(t, l.Add(l.Commit(mesh.FlushAvoidLists{Global: true}, alice, bob), 1), "accepted")
	want(t, l.Add(l.Commit(mesh.ThawCluster{}, bob), 1), "accepted")
	want(t, l.Add(l.Commit(mesh.Cordon{Node: 1}, alice), 2), "accepted")
	l.Now = l.Now.Add(2 * time.Minute)
	want(t, l.Add(l.Commit(mesh.FreezeCluster{TTL: 10 * time.Second}, alice, bob), 1), "accepted")
	l.Now = l.Now.Add(10 * time.Second)
	want(t, l.Add(l.Commit(mesh.Cordon{Node: 1}, alice), 2), "accepted")
}

func TestAnEntryOfAWrongClockIsVoid(t *testing.T) {
	l := two(t)
	l.Skew = time.Hour
	command := clustertest.Sign(t, l.Command(mesh.Cordon{Node: 1}), alice)
	o := l.Add(clustertest.Commit(command), 2)
	want(t, o, cluster.KindVoid)
	if !strings.Contains(o.Order.Outcome.Message, "the clock of node 2 was 1h0m0s ahead") {
		t.Error(o.Order.Outcome.Message)
	}
	l.Skew = 0
	// The clock of the log itself was an hour ahead for one entry, and nothing is left of that.
	now := l.Now
	l.Now, l.Skew = now.Add(time.Hour), -time.Hour
	want(t, l.Add(l.Commit(mesh.Cordon{Node: 1}, alice), 1), cluster.KindVoid)
	l.Now, l.Skew = now.Add(2*time.Second), 0
	o = l.Add(l.Commit(mesh.Cordon{Node: 1}, alice), 1)
	want(t, o, "accepted")
	if !o.Place.At.Equal(now.Add(2 * time.Second)) {
		t.Errorf("the log time is %s", o.Place.At)
	}
}

func TestLogTimeNeverGoesBack(t *testing.T) {
	l := two(t)
	first := l.Add(l.Commit(mesh.Cordon{Node: 1}, alice), 1)
	l.Now = l.Now.Add(-20 * time.Second)
	second := l.Add(l.Commit(mesh.Cordon{Node: 2}, alice), 1)
	want(t, second, "accepted")
	if second.Place.At.Before(first.Place.At) {
		t.Errorf("%s is before %s", second.Place.At, first.Place.At)
	}
}

func TestWhoBelongsToTheMesh(t *testing.T) {
	l := two(t)
	token := func(id mesh.NodeID, replace bool) mesh.AdmitNode {
		return mesh.AdmitNode{Node: id, TokenKey: clustertest.TokenKey(uint64(id)).Public(), Expires: l.Now.Add(time.Hour), Replace: replace}
	}
	want(t, l.Add(l.Commit(clustertest.Node(2, "other", false), alice), 1), cluster.KindMembership) // without replace
	want(t, l.Add(l.Commit(token(2, false), alice), 1), cluster.KindMembership)
	want(t, l.Add(l.Commit(token(9, true), alice), 1), cluster.KindMembership)
	copied := clustertest.Node(3, "copy", false)
	copied.Key = clustertest.NodeKey(2).Public()
	want(t, l.Add(l.Commit(copied, alice), 1), cluster.KindMembership)

	if id := l.State.NextID(); id != 3 {
		t.Errorf("the next id is %d", id)
	}
	want(t, l.Add(l.Commit(token(3, false), alice), 1), "accepted")
	want(t, l.Add(l.Commit(token(3, false), alice), 1), cluster.KindMembership) // one token for an id
	if id := l.State.NextID(); id != 4 {
		t.Errorf("the next id is %d", id)
	}
	want(t, l.Add(clustertest.Joining(3, "charlie", 4), 1), rules.KindSignature) // of another token
	o := l.Add(clustertest.Joining(3, "charlie", 3), 2)
	want(t, o, "unverified")
	if m, is := l.State.Member(3); !is || m.Name != "charlie" || m.Seed || !o.Members {
		t.Errorf("member %v, %v", m, is)
	}
	want(t, l.Add(clustertest.Joining(3, "charlie", 3), 1), cluster.KindMembership) // good once
	want(t, l.Add(l.Commit(mesh.Drain{Node: 3}, alice), 3), "accepted")

	want(t, l.Add(l.Commit(mesh.ExpelNode{Node: 1}, alice, bob), 2), cluster.KindMembership) // the last seed
	want(t, l.Add(l.Commit(mesh.ExpelNode{Node: 8}, alice, bob), 2), cluster.KindUnknown)
	l.Now = l.Now.Add(time.Minute)
	want(t, l.Add(l.Commit(mesh.ExpelNode{Node: 3}, alice, bob), 2), "accepted")
	if _, is := l.State.Member(3); is || l.State.NextID() != 4 {
		t.Errorf("member %v, next id %d", is, l.State.NextID())
	}
	if _, err := l.State.Check(l.Seal(l.Commit(mesh.Cordon{Node: 1}, alice), 3)); !is[*cluster.SignerError](err) {
		t.Errorf("an entry of a node that was expelled: %v", err)
	}
	want(t, l.Add(l.Commit(clustertest.Node(3, "charlie", false), alice), 1), cluster.KindMembership)
	want(t, l.Add(l.Commit(token(3, true), alice), 1), "accepted")
	want(t, l.Add(clustertest.Joining(3, "charlie2", 3), 1), "unverified")

	want(t, l.Add(l.Commit(token(5, false), alice), 1), "accepted")
	l.Now = l.Now.Add(2 * time.Hour)
	want(t, l.Add(clustertest.Joining(5, "echo", 5), 1), cluster.KindMembership) // it is over
}

func TestWhoCommandsTheMesh(t *testing.T) {
	l := two(t)
	only := func(need uint32, who ...int) mesh.SetSigners {
		return mesh.SetSigners{AllowedSigners: clustertest.Signers(t, who...), NeedBreakGlass: need}
	}
	want(t, l.Add(l.Commit(only(2, alice), alice, bob), 1), cluster.KindSigners)
	l.Now = l.Now.Add(time.Minute)
	want(t, l.Add(l.Commit(only(1), alice, bob), 1), cluster.KindSigners)
	l.Now = l.Now.Add(time.Minute)
	want(t, l.Add(l.Commit(mesh.SetSigners{AllowedSigners: "nonsense"}, alice, bob), 1), cluster.KindSigners)
	l.Now = l.Now.Add(time.Minute)
	o := l.Add(l.Commit(only(1, bob, eve), alice, bob), 1)
	want(t, o, "accepted")
	if _, _, height := l.State.Signers(); !o.Signers || height != o.Place.Height {
		t.Errorf("signers were set at height %d, says %v", height, o.Signers)
	}
	want(t, l.Add(l.Commit(mesh.Cordon{Node: 1}, alice), 1), rules.KindNotAuthorized)
	l.Now = l.Now.Add(time.Minute)
	want(t, l.Add(l.Commit(mesh.FreezeCluster{TTL: time.Minute}, eve), 1), "accepted")
}

func TestAMeshWithoutOperatorsTakesUnsignedCommands(t *testing.T) {
	l := clustertest.New(t, false)
	want(t, l.Add(clustertest.Unsigned(mesh.Drain{Node: 1}), 1), "unverified")
	want(t, l.Add(clustertest.Unsigned(mesh.Drain{Node: 2}), 1), cluster.KindUnknown)
	want(t, l.Add(clustertest.Unsigned(mesh.FreezeCluster{TTL: 48 * time.Hour}), 1), mesh.RejectMalformed)
	fact := &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Event{Event: &meshosv1.Event{
		Kind: &meshosv1.Event_PlacementIntent{PlacementIntent: &meshosv1.PlacementIntent{Chain: 1, DesiredReplicas: 2}},
	}}}
	want(t, l.Add(fact, 1), cluster.KindNotOrdered)
	want(t, l.Add(l.Commit(mesh.Cordon{Node: 1}, alice), 1), "unverified")
	want(t, l.Add(clustertest.Unsigned(mesh.SetSigners{AllowedSigners: clustertest.Signers(t, alice)}), 1), "unverified")
	want(t, l.Add(clustertest.Unsigned(mesh.Drain{Node: 1}), 1), mesh.RejectUnsigned)
	want(t, l.Add(l.Commit(mesh.Cordon{Node: 1}, alice), 1), "accepted")
}

func TestWhatDoesNotContinueTheLogChangesNothing(t *testing.T) {
	l := two(t)
	before := l.State.Sum()
	good := l.Seal(l.Commit(mesh.Cordon{Node: 1}, alice), 2)
	behind := clustertest.New(t, true)
	if _, err := behind.State.Check(good); !is[*cluster.GapError](err) {
		t.Errorf("an entry too far: %v", err)
	}
	if _, err := l.State.Check(l.Entries[0]); !is[*cluster.GapError](err) {
		t.Errorf("an entry that is there: %v", err)
	}
	later := proto.CloneOf(good)
	later.LogTime = timestamppb.New(l.Now.Add(time.Second))
	if c, err := l.State.Check(later); err != nil || c.Hash() == cluster.HashOf(good) {
		t.Errorf("the hash does not cover the log time: %v", err)
	}
	fork := two(t)
	fork.Add(fork.Commit(mesh.Cordon{Node: 2}, alice), 1)
	mine := two(t)
	mine.Add(mine.Commit(mesh.Cordon{Node: 1}, alice), 1)
	if _, err := mine.State.Check(fork.Seal(fork.Commit(mesh.Cordon{Node: 1}, alice), 1)); !is[*cluster.ForkError](err) {
		t.Errorf("an entry of another log: %v", err)
	}
	foreign, _ := l.State.Seal(l.Commit(mesh.Cordon{Node: 1}, alice), 2, l.Now, clustertest.NodeKey(1))
	if _, err := l.State.Check(&meshosv1.LoggedEntry{Entry: foreign, LogTime: timestamppb.New(l.Now)}); !is[*cluster.SignerError](err) {
		t.Errorf("an entry that another node signed: %v", err)
	}
	for i := range 8 * len(good.GetEntry()) {
		bad := proto.CloneOf(good)
		bad.Entry[i/8] ^= 1 << (i % 8)
		_, err := l.State.Check(bad)
		if err == nil {
			t.Fatalf("bit %d of byte %d is wrong, and nothing is said", i%8, i/8)
		}
		// Nobody signed it: it is no fork and not of a newer version, for which the node would
		// fold no more.
		if is[*cluster.ForkError](err) || is[*cluster.NewerError](err) {
			t.Errorf("bit %d of byte %d is wrong: %v", i%8, i/8, err)
		}
	}
	if l.State.Sum() != before {
		t.Error("checks changed the state")
	}
}

func TestANewerEntryStopsTheFold(t *testing.T) {
	l := two(t)
	command := l.Command(mesh.Cordon{Node: 1})
	command.ProtoReflect().SetUnknown([]byte{0xf8, 0x3f, 1}) // field 1023
	if _, err := l.State.Check(l.Seal(clustertest.Commit(clustertest.Sign(t, command, alice)), 1)); !is[*cluster.NewerError](err) {
		t.Errorf("a command of a newer version: %v", err)
	}
	event := l.Command(mesh.Cordon{Node: 1})
	event.Event = &meshosv1.AdminEvent{}
	event.Event.ProtoReflect().SetUnknown([]byte{0xf8, 0x3f, 1})
	if _, err := l.State.Check(l.Seal(clustertest.Commit(clustertest.Sign(t, event, alice)), 1)); !is[*cluster.NewerError](err) {
		t.Errorf("an event of a newer version: %v", err)
	}
	entry := l.Commit(mesh.Cordon{Node: 1}, alice)
	entry.Order = nil
	entry.ProtoReflect().SetUnknown([]byte{0xf8, 0x3f, 1})
	if _, err := l.State.Check(l.Seal(entry, 1)); !is[*cluster.NewerError](err) {
		t.Errorf("an order of a newer version: %v", err)
	}
}

func TestAPreviewSaysWhatTheFoldWillSay(t *testing.T) {
	l := two(t)
	for i, c := range []*meshosv1.SignedCommit{
		clustertest.Sign(t, l.Command(mesh.Cordon{Node: 1}), alice),
		clustertest.Sign(t, l.Command(mesh.Cordon{Node: 1}), eve),
		clustertest.Sign(t, l.Command(mesh.Cordon{Node: 8}), alice),
		clustertest.Sign(t, l.Command(mesh.FreezeCluster{TTL: time.Hour}), alice, bob),
		clustertest.Sign(t, l.Command(mesh.FreezeCluster{TTL: time.Hour}), alice, bob),
		clustertest.Sign(t, l.Command(mesh.Cordon{Node: 1}), alice),
		clustertest.Sign(t, l.Command(mesh.ExpelNode{Node: 1}), alice, bob),
	} {
		said := "accepted"
		if r := l.State.Preview(c, l.Now); r != nil {
			said = r.Kind
		}
		if o := l.Add(clustertest.Commit(c), 1); verdict(o) != said {
			t.Errorf("command %d: the preview says %s, the fold %s", i, said, o)
		}
	}
}

func TestTheLastOrderAboutASubjectHolds(t *testing.T) {
	l := two(t)
	two := uint32(2)
	daemon := mesh.DaemonRef{ID: 7, Name: "db"}
	for _, ev := range []mesh.AdminEvent{
		mesh.EnterMaintenance{Node: 1},
		mesh.Drain{Node: 2},
		mesh.Cordon{Node: 1},
		mesh.Cordon{Node: 2},
		mesh.Uncordon{Node: 2},
		mesh.SetDaemonIntent{Node: 1, Daemon: daemon, Intent: mesh.IntentStop},
		mesh.SetDaemonIntent{Node: 2, Daemon: daemon, Intent: mesh.IntentRun},
		mesh.SetDaemonIntent{Node: 1, Daemon: daemon},
		mesh.SetPlacement{Node: 1, Chain: 3, Desired: &two},
		mesh.DropReplicas{Node: 2, Chains: []mesh.ChainID{4, 5}},
		mesh.SetLocalReplica{Node: 2, Chain: 4},
		mesh.RestartAllDaemons{Node: 1},
	} {
		want(t, l.Add(l.Commit(ev, alice), 1), "accepted")
	}
	var got []string
	for _, o := range l.State.ToProto().GetOrders() {
		got = append(got, fmt.Sprintf("%s: order %d of %s", o.GetSubject(), o.GetHeight(), strings.Join(o.GetOperators(), ", ")))
	}
	const wanted = `node 1 maintenance: order 3 of alice
node 1 cordon: order 5 of alice
node 1 chain 3 replicas: order 11 of alice
node 2 daemon 7 intent: order 9 of alice
node 2 chain 5 hold: order 12 of alice`
	if text := strings.Join(got, "\n"); text != wanted {
		t.Errorf("holds:\n%s\nwant:\n%s", text, wanted)
	}
}

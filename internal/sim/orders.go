package sim

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/cluster/follower"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/scenario"
	"github.com/meshos/meshos/internal/statetest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Base is what the worlds of some nodes begin with: all are members. It may be used for many.
type Base struct {
	t         testing.TB
	nodes     int
	seeds     int
	operators bool
	policy    state.Policy
	entries   []*meshosv1.LoggedEntry
	records   []*meshosv1.RecordedEntry
	state     *meshosv1.ClusterState
	height    uint64
	wall      time.Time
	freshness time.Duration
	members   int                           // entries in which all became members
	stored    *cluster.Stored               // at the checkpoint; nil: there is none
	cordoned  map[cluster.Hash]bool         // whether node 1 is, behind an entry
	sums      map[cluster.Hash]cluster.Hash // admin_state behind each entry
}

// NewBase makes the log in which some nodes become members.
func NewBase(t testing.TB, nodes, seeds int, operators bool) *Base {
	return newBase(t, nodes, seeds, operators, false)
}

// NewBaseBehind is NewBase of a log that has a checkpoint, and goes on behind it.
func NewBaseBehind(t testing.TB, nodes, seeds int, operators bool) *Base {
	return newBase(t, nodes, seeds, operators, true)
}

func newBase(t testing.TB, nodes, seeds int, operators, checkpoint bool) *Base {
	log := clustertest.New(t, operators)
	log.Step = time.Millisecond
	for i := 2; i <= nodes; i++ {
		id := mesh.NodeID(i)
		entry := clustertest.Unsigned(clustertest.Node(id, name(id), i <= seeds))
		if operators {
			entry = log.Commit(clustertest.Node(id, name(id), i <= seeds), clustertest.Alice)
		}
		log.Add(entry, 1)
	}
	members := len(log.Entries)
	if checkpoint {
		checkpointed(log, operators)
	}
	b := &Base{
		members: members, sums: map[cluster.Hash]cluster.Hash{}, cordoned: map[cluster.Hash]bool{},
		t: t, nodes: nodes, seeds: seeds, operators: operators, policy: statetest.Policy(), entries: log.Entries,
		state: log.State.ToProto(), height: log.State.Height(), wall: log.Now,
		freshness: log.State.Policy().Freshness,
	}
	b.policy.TickInterval = tick
	s := cluster.New()
	for _, e := range log.Entries {
		c, err := s.Check(e)
		if err != nil {
			t.Fatal(err)
		}
		b.records = append(b.records, c.Record())
		switch s.Fold(c).Order.Event.(type) {
		case mesh.Cordon:
			b.cordoned[s.Head()] = true
		case mesh.Checkpoint:
			b.cordoned[s.Head()] = b.cordoned[cluster.HashOf(b.entries[s.Height()-2])]
		}
	}
	if checkpoint {
		b.store()
	}
	return b
}

// checkpointed has a log go on to a checkpoint, and a while behind it. No order holds then.
func checkpointed(log *clustertest.Log, operators bool) {
	log.Now = log.Now.Add(time.Hour) // for what breaks the glass
	add := func(ev mesh.AdminEvent) {
		entry := clustertest.Unsigned(ev)
		if operators {
			entry = log.Commit(ev, clustertest.Alice, clustertest.Bob)
		}
		log.Add(entry, 1)
	}
	for n := 0; log.State.Height() < 2*cluster.MarkEvery+1 || n%2 == 1; n++ {
		add([]mesh.AdminEvent{mesh.Cordon{Node: 1}, mesh.Uncordon{Node: 1}}[n%2])
	}
	mark := log.State.Marks()[0]
	add(mesh.Checkpoint{Height: mark.Height, State: mark.Sum})
	for n := range 40 {
		add([]mesh.AdminEvent{mesh.Cordon{Node: 1}, mesh.Uncordon{Node: 1}}[n%2])
	}
	log.Now = log.Now.Add(time.Hour)
}

// store makes what the log goes on from at its checkpoint, as host/meshlog does.
func (b *Base) store() {
	end, err := cluster.FromProto(b.state)
	if err != nil {
		b.t.Fatal(err)
	}
	mark, at := end.Checkpoint()
	s, chain, encoded := cluster.New(), cluster.Chain{}, []byte(nil)
	for _, e := range b.entries {
		c, err := s.Check(e)
		if err != nil {
			b.t.Fatal(err)
		}
		out := s.Fold(c)
		if out.Place.Height < at {
			chain.See(e, out)
		}
		if out.Place.Height == mark.Height {
			if encoded, err = s.Encode(); err != nil {
				b.t.Fatal(err)
			}
		}
		b.sums[s.Head()] = s.Sum()
	}
	in := cluster.Store(encoded, chain, b.entries[at-1], at)
	if b.stored, err = cluster.OpenStored(in, end.Founding()); err != nil {
		b.t.Fatal(err)
	}
}

// fresh returns the state of the log in which all became members.
func (b *Base) fresh() *cluster.State {
	s, err := cluster.FromProto(b.state)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// command returns the command of an order.
func command(o scenario.Order) (mesh.AdminEvent, error) {
	id, _ := strconv.ParseUint(o.Arg, 10, 64)
	node := mesh.NodeID(id)
	switch o.Verb {
	case "cordon":
		return mesh.Cordon{Node: node}, nil
	case "uncordon":
		return mesh.Uncordon{Node: node}, nil
	case "drain":
		return mesh.Drain{Node: node}, nil
	case "maintenance":
		return mesh.EnterMaintenance{Node: node}, nil
	case "exit":
		return mesh.ExitMaintenance{Node: node}, nil
	case "freeze":
		d, err := time.ParseDuration(o.Arg)
		return mesh.FreezeCluster{TTL: d}, err
	case "thaw":
		return mesh.ThawCluster{}, nil
	case "flush":
		return mesh.FlushAvoidLists{Global: true}, nil
	}
	return nil, fmt.Errorf("there is no command %q", o.Verb)
}

// build returns the id of an order, whether it is that of a signed command, and what makes its
// entry. The name of the order is its reason.
func (b *Base) build(w *World, name string, ev mesh.AdminEvent) (id []byte, signed bool, build follower.Build) {
	w.nonces++
	if !b.operators {
		received := mesh.AdminReceived{Event: ev, Reason: name}
		event := wire.EventToProto(received)
		return binary.BigEndian.AppendUint64(nil, w.nonces), false, func(s *cluster.State, at time.Time) (*meshosv1.OrderedEntry, error) {
			if r := s.PreviewUnsigned(ev, at); r != nil {
				return nil, r
			}
			return &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Event{Event: event}}, nil
		}
	}
	in := &meshosv1.AdminCommand{
		ClusterId: clustertest.Cluster, Event: wire.AdminToProto(ev), IssuedAt: timestamppb.New(w.trueWall()),
		Nonce: binary.BigEndian.AppendUint64(make([]byte, 8), 1<<32|w.nonces), Reason: name,
	}
	by := []int{clustertest.Alice}
	if ev.BreakGlass() {
		in.BlastHash, by = append(make([]byte, 31), 1), []int{clustertest.Alice, clustertest.Bob}
	}
	commit := clustertest.Sign(b.t, in, by...)
	return rules.CommitID(commit.GetPayload()), true, func(s *cluster.State, at time.Time) (*meshosv1.OrderedEntry, error) {
		if r := s.Preview(commit, at); r != nil {
			return nil, r
		}
		return clustertest.Commit(commit), nil
	}
}

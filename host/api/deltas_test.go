package api_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/snapshot/shared"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/document"
	"github.com/meshos/meshos/internal/statetest"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func edit[K ~uint64, V any](list shared.Table[K, V]) *shared.Editor[K, V] {
	e := shared.NewEditor[K, V](16)
	for k, v := range list.All() {
		e.Put(k, v)
	}
	return e
}

// Whatever happens to a node, the whole and the deltas after it are its newest snapshot, ages
// too.
func TestTheWholeAndItsDeltasAreTheNewestSnapshot(t *testing.T) {
	testkit.Cases(t, 20)
	n := newNode()
	client := serve(t, n)
	rapid.Check(t, func(rt *rapid.T) {
		s := state.New(state.Boot{At: statetest.Start(), Node: statetest.This, NodeName: "here", Epoch: 1, Policy: statetest.Policy()})
		views, passes := snapshot.NewBuilder(), reconcile.New(s)
		at := statetest.Start()
		n.Show(views.Build(s, at))
		watch, doc := deltas(t, client, nil), &document.Document{}
		take(t, doc, watch, 0)
		for _, step := range statetest.History(rt) {
			at.At, at.Wall = at.At.Add(step.After), at.Wall.Add(step.After)
			switch {
			case step.In != nil:
				s.Apply(at, step.In)
				continue
			case step.Outcome != nil:
				if list := s.Emitted(); len(list) > 0 {
					s.Apply(at, mesh.Outcome{ID: list[len(list)-1].ID, OK: step.Outcome.OK, Final: step.Outcome.Final})
				}
				continue
			}
			passes.Pass(at, step.Room)
			shown := views.Build(s, at)
			shown.Beside = beside(rt)
			n.Show(shown)
			take(t, doc, watch, shown.Tick)
			if got, want := plain(doc.Snapshot()), plain(wire.SnapshotToProto(shown)); !proto.Equal(got, want) {
				rt.Fatalf("the document is\n%v\nwant\n%v", got, want)
			}
		}
	})
}

// beside draws what the host adds.
func beside(t *rapid.T) snapshot.Beside {
	var out snapshot.Beside
	if rapid.Bool().Draw(t, "unchecked") {
		out.Unchecked = map[mesh.NodeID]string{mesh.NodeID(rapid.IntRange(1, 5).Draw(t, "peer")): rapid.SampledFrom([]string{"a", "b"}).Draw(t, "why")}
	}
	if rapid.Bool().Draw(t, "alarm") {
		out.Alarms = map[mesh.NodeID]string{mesh.NodeID(rapid.IntRange(1, 5).Draw(t, "member")): rapid.SampledFrom([]string{"a", "b"}).Draw(t, "what")}
	}
	if rapid.Bool().Draw(t, "left") {
		out.Daemons = map[mesh.DaemonID]snapshot.BesideDaemon{mesh.DaemonID(rapid.IntRange(1, 6).Draw(t, "daemon")): {Left: rapid.IntRange(1, 2).Draw(t, "n")}}
	}
	return out
}

// plain leaves out the ages of facts, which begin to be shown at an age.
func plain(s *meshosv1.Snapshot) *meshosv1.Snapshot {
	s = proto.CloneOf(s)
	for _, p := range s.GetPeers() {
		if p.GetInventory() != nil {
			p.Inventory.Ages = nil
		}
	}
	return s
}

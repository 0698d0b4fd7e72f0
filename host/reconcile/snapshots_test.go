package reconcile_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/statetest"
)

// A snapshot that is made from the one before is the same as one that is made anew, at every
// tick of every history, and stays so.
func TestASnapshotMadeFromTheOneBeforeIsTheSameAsOneMadeAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type shown struct {
			s    *snapshot.Snapshot
			then []byte
		}
		s := state.New(state.Boot{At: statetest.Start(), Node: statetest.This, NodeName: "here", Epoch: 1, Policy: statetest.Policy()})
		views, passes := snapshot.NewBuilder(), reconcile.New(s)
		var kept []shown
		at := statetest.Start()
		for _, step := range statetest.History(t) {
			at.At, at.Wall = at.At.Add(step.After), at.Wall.Add(step.After)
			switch {
			case step.In != nil:
				s.Apply(at, step.In)
				continue
			case step.Outcome != nil:
				if list := s.Emitted(); len(list) > 0 {
					of := list[max(0, len(list)-1-step.Outcome.Back)]
					s.Apply(at, mesh.Outcome{ID: of.ID, OK: step.Outcome.OK, Final: step.Outcome.Final, Reason: "why"})
				}
				continue
			case step.Early:
				passes.EarlyPass(at, step.Room)
			default:
				passes.Pass(at, step.Room)
			}
			anew, next := snapshot.Build(s, at), views.Build(s, at)
			if a, b := orders(t, anew.Orders.State(), at), orders(t, s.Orders(), at); string(a) != string(b) {
				t.Fatalf("at %v the orders are not those of the state", at.At)
			}
			want, got := rendered(t, anew), rendered(t, next)
			if string(want) != string(got) {
				t.Fatalf("at %v it is\n%v\nmade anew it is\n%v", at.At, wire.SnapshotToProto(next), wire.SnapshotToProto(anew))
			}
			kept = append(kept, shown{next, got})
		}
		for _, k := range kept {
			if string(rendered(t, k.s)) != string(k.then) {
				t.Fatal("a snapshot changed after it was taken")
			}
		}
	})
}

// rendered returns all that a snapshot says.
func rendered(t *rapid.T, s *snapshot.Snapshot) []byte {
	shown, err := proto.MarshalOptions{Deterministic: true}.Marshal(wire.SnapshotToProto(s))
	if err != nil {
		t.Fatal(err)
	}
	return append(shown, orders(t, s.Orders.State(), mesh.Stamp{At: s.Now, Wall: s.TakenAt})...)
}

func orders(t *rapid.T, o state.Orders, at mesh.Stamp) []byte {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(wire.OrdersToProto(o, at))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

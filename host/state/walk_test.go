package state_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

func newState() *state.State {
	return state.New(state.Boot{At: statetest.Start(), Node: this, NodeName: "here", Epoch: 7, Policy: statetest.Policy()})
}

// A tick that looks at what was touched and at what is due does what one does that looks at
// everything.
func TestATickMissesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		few, all := newState(), newState()
		at := statetest.Start()
		for i, step := range statetest.History(t) {
			at.At, at.Wall = at.At.Add(step.After), at.Wall.Add(step.After)
			if in := step.Input(few.Emitted()); in != nil {
				few.Apply(at, in)
				all.Apply(at, in)
			} else {
				all.MarkAll()
				pass := reconcile.Pass
				if step.Early {
					pass = reconcile.EarlyPass
				}
				got, want := pass(few, at, step.Room), pass(all, at, step.Room)
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("step %d: %+v, want %+v", i, got, want)
				}
				if x, y := few.Facts(), few.PlainFacts(); !reflect.DeepEqual(x, y) {
					t.Fatalf("step %d: facts %+v, want %+v", i, x, y)
				}
				few.Taken(marks.Snapshot)
				few.Taken(marks.Reconcile)
			}
			same(t, i, few, all)
			if n := few.MissedMarks(); n > 0 {
				t.Fatalf("step %d: %+v", i, few.Failures())
			}
		}
	})
}

// same compares what two states show and decide with.
func same(t *rapid.T, step int, a, b *state.State) {
	at := mesh.Stamp{At: a.Now()}
	if x, y := snapshot.Build(a, at), snapshot.Build(b, at); !reflect.DeepEqual(x, y) {
		for i, v := range reflect.ValueOf(*x).Fields() {
			if w := reflect.ValueOf(*y).FieldByIndex(i.Index); !reflect.DeepEqual(v.Interface(), w.Interface()) {
				t.Fatalf("step %d: %s differ:\n%+v\n%+v", step, i.Name, v, w)
			}
		}
	}
	if x, y := a.Known(), b.Known(); !reflect.DeepEqual(x, y) {
		t.Fatalf("step %d: known differ: %+v, %+v", step, x, y)
	}
	for c := range a.Chains() {
		for _, n := range c.Holders {
			if a.Returned(c.ID, n) != b.Returned(c.ID, n) {
				t.Fatalf("step %d: chain %d: node %d is back in one only", step, c.ID, n)
			}
		}
	}
}

package reconcile_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

// pair is a node that decides what changed, and one that decides everything at every tick.
type pair struct {
	t        fataler
	few, all *state.State
	passes   *reconcile.Reconciler
	at       mesh.Stamp
}

type fataler interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// newPair returns the two nodes. The slices go through everything in so many ticks.
func newPair(t fataler, slices int) *pair {
	policy := statetest.Policy()
	policy.TickInterval = 9 * time.Minute / time.Duration(slices)
	s := func() *state.State {
		return state.New(state.Boot{At: statetest.Start(), Node: this, NodeName: "here", Epoch: 7, Policy: policy})
	}
	p := &pair{t: t, few: s(), all: s(), at: statetest.Start()}
	p.passes = reconcile.New(p.few)
	return p
}

// step takes one step of a history in both.
func (p *pair) step(i int, step statetest.Step) {
	p.t.Logf("step %d: %s", i, step)
	p.at.At, p.at.Wall = p.at.At.Add(step.After), p.at.Wall.Add(step.After)
	if in := step.Input(p.all.Emitted()); in != nil {
		p.few.Apply(p.at, in)
		p.all.Apply(p.at, in)
		return
	}
	p.tick(i, step.Early, step.Room)
}

func (p *pair) tick(i int, early bool, room int) {
	p.t.Helper()
	one, all := p.passes.Pass, reconcile.Pass
	if early {
		one, all = p.passes.EarlyPass, reconcile.EarlyPass
	}
	p.all.MarkAll()
	got, want := one(p.at, room), all(p.all, p.at, room)
	if got.Missed > 0 {
		for _, f := range p.few.Failures() {
			p.t.Logf("%s: %s", f.Source, f.Reason)
		}
		p.t.Fatalf("step %d: %d marks were missing", i, got.Missed)
	}
	if !reflect.DeepEqual(got, want) {
		p.t.Fatalf("step %d: one pass\n%+v\nand the other\n%+v", i, got, want)
	}
	if x, y := p.few.Ledger(), p.all.Ledger(); !reflect.DeepEqual(x, y) {
		p.t.Fatalf("step %d: remembers\n%+v\nand the other\n%+v", i, x, y)
	}
	x, y := snapshot.Build(p.few, p.at), snapshot.Build(p.all, p.at)
	if reflect.DeepEqual(x, y) {
		return
	}
	for f, v := range reflect.ValueOf(*x).Fields() {
		if w := reflect.ValueOf(*y).FieldByIndex(f.Index); !reflect.DeepEqual(v.Interface(), w.Interface()) {
			p.t.Fatalf("step %d: %s are\n%+v\nand\n%+v", i, f.Name, v, w)
		}
	}
}

// What a pass hands out that decides only what changed is what one hands out that decides
// everything, in the same order, whatever happens.
func TestAPassThatDecidesWhatChangedDecidesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPair(t, rapid.SampledFrom([]int{1080, 1080, 5, 1}).Draw(t, "slices"))
		for i, step := range statetest.History(t) {
			p.step(i, step)
		}
	})
}

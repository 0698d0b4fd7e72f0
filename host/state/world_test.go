package state_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

// Tests are named after the cases and rules of docs/conformance.md. A case that a rule
// changes is tested in its changed form and named after both.

// this is the node of all cases.
const this mesh.NodeID = 100

// world is a state whose clock the test sets.
type world struct {
	t  *testing.T
	s  *state.State
	at mesh.Time
}

// sec returns the instant n seconds after the base, which is not zero so that an unset
// instant is noticed.
func sec(n float64) mesh.Time {
	return mesh.Time(time.Hour) + mesh.Time(n*float64(time.Second))
}

func newWorld(t *testing.T, change ...func(*state.Boot)) *world {
	t.Helper()
	b := state.Boot{Node: this, NodeName: "here", Epoch: 7, Policy: statetest.Policy()}
	b.At = stamp(sec(0))
	for _, c := range change {
		c(&b)
	}
	return &world{t: t, s: state.New(b), at: sec(0)}
}

func stamp(at mesh.Time) mesh.Stamp {
	return mesh.Stamp{At: at, Wall: time.Unix(1_700_000_000, 0).Add(time.Duration(at))}
}

// to sets the time of the next inputs.
func (w *world) to(n float64) *world { w.at = sec(n); return w }

func (w *world) hear(evs ...mesh.Event) []state.Effect {
	w.t.Helper()
	var out []state.Effect
	for _, ev := range evs {
		for _, effect := range w.s.Apply(stamp(w.at), mesh.Heard{Event: ev}) {
			if effect != (state.PassSoon{}) { // see soon_test.go
				out = append(out, effect)
			}
		}
	}
	return out
}

func (w *world) admin(evs ...mesh.AdminEvent) []state.Effect {
	w.t.Helper()
	var out []state.Effect
	for _, ev := range evs {
		out = append(out, w.hear(mesh.AdminReceived{Event: ev})...)
	}
	return out
}

func (w *world) input(in mesh.Input) { w.s.Apply(stamp(w.at), in) }

// tick is a pass that wants nothing.
func (w *world) tick(n float64) *world {
	w.to(n)
	w.s.Tick(stamp(w.at))
	return w
}

func (w *world) daemon(id mesh.DaemonID) state.Daemon {
	w.t.Helper()
	d, ok := w.s.Daemon(id)
	if !ok {
		w.t.Fatalf("daemon %d is not known", id)
	}
	return d
}

func (w *world) holders(id mesh.ChainID) []mesh.NodeID {
	c, _ := w.s.Chain(id)
	return c.Holders
}

func (w *world) verdict() mesh.Verification {
	w.t.Helper()
	a := w.s.Audit()
	if len(a) == 0 {
		w.t.Fatal("nothing was audited")
	}
	return a[len(a)-1].Outcome
}

func (w *world) lastFailure() mesh.FailureRecord {
	w.t.Helper()
	f := w.s.Failures()
	if len(f) == 0 {
		w.t.Fatal("no failure was recorded")
	}
	return f[len(f)-1]
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func equalNodes(t *testing.T, what string, got []mesh.NodeID, want ...mesh.NodeID) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: got %v, want %v", what, got, want)
		}
	}
}

func ref(id mesh.DaemonID) mesh.DaemonRef { return mesh.DaemonRef{ID: id, Name: "d"} }

func window(d time.Duration) *time.Duration { return &d }

// wantNothing is what a pass wants that wants nothing.
func wantNothing(mesh.ActionKey) bool { return false }

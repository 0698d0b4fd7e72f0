package state_test

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
)

// The list of a source that does not answer is dropped after its time, as a sample is.
func TestB17_MigrationsThatAreNotRenewedGo(t *testing.T) {
	w := newWorld(t)
	list := mesh.Migrations{InFlight: []mesh.Migration{{ID: 9}, {ID: 4}}}
	w.s.Apply(stamp(sec(1)), list)
	w.s.Tick(stamp(sec(50)))
	w.s.Apply(stamp(sec(50)), list)
	w.s.Tick(stamp(sec(109.999)))
	if got := w.s.Migrations(); len(got) != 2 || got[0].ID != 4 {
		t.Errorf("a moment before: %v", got)
	}
	w.s.Tick(stamp(sec(110)))
	if got := w.s.Migrations(); len(got) != 0 {
		t.Errorf("at the end of their time: %v", got)
	}
	w.s.Apply(stamp(sec(111)), list)
	if got := w.s.Migrations(); len(got) != 2 {
		t.Errorf("reported again: %v", got)
	}
}

package state_test

import (
	"slices"
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
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

// A migration of a chain that this node leads is aborted when it stood still for action_timeout,
// and again as long later. Others are those of whoever lists them.
func TestB10a_AMoveThatStandsStillIsAborted(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.ReplicaLeader{Chain: 7, Leader: this}, mesh.ReplicaLeader{Chain: 8, Leader: 2})
	still := uint64(5)
	list := func(at float64, done uint64) (aborted []mesh.MigrationID) {
		for _, e := range w.s.Apply(stamp(sec(at)), mesh.Migrations{Source: "mesh", InFlight: []mesh.Migration{
			{ID: 1, Chain: 7, DoneBytes: &done}, {ID: 2, Chain: 8, DoneBytes: &still}, {ID: 3}, {ID: 4, Chain: 7, Phase: mesh.MigrationPhase(done % 2), DoneBytes: &still},
		}}) {
			aborted = append(aborted, e.(state.AbortMigration).Migration)
		}
		return aborted
	}
	for _, c := range []struct {
		at   float64
		done uint64
		want []mesh.MigrationID
	}{{1, 1, nil}, {50, 2, nil}, {100, 3, nil}, {159.9, 3, nil}, {160, 3, []mesh.MigrationID{1, 4}}, {200, 3, nil}, {220, 3, []mesh.MigrationID{1, 4}}, {221, 4, nil}, {280, 4, nil}} {
		if got := list(c.at, c.done); !slices.Equal(got, c.want) {
			t.Errorf("at %v s: aborted %v, want %v", c.at, got, c.want)
		}
	}
	if got := w.lastFailure(); got.Source != "migration:4" || got.Reason != "aborted: chain 7 to node 0: it stood still for 2m0s" {
		t.Errorf("recorded %+v", got)
	}
}

// Each source has its own list, which goes with its own time.
func TestB17_MigrationsOfSeveralSources(t *testing.T) {
	w := newWorld(t)
	want := func(ids ...mesh.MigrationID) {
		t.Helper()
		var got []mesh.MigrationID
		for _, m := range w.s.Migrations() {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, ids) {
			t.Errorf("migrations %v, want %v", got, ids)
		}
	}
	w.s.Apply(stamp(sec(1)), mesh.Migrations{Source: "b", InFlight: []mesh.Migration{{ID: 9}, {ID: 4}}})
	w.s.Apply(stamp(sec(30)), mesh.Migrations{Source: "a", InFlight: []mesh.Migration{{ID: 5}, {ID: 4, Retries: 1}}})
	want(4, 5, 9)
	if w.s.Migrations()[0].Retries != 1 {
		t.Error("of two that say the same id the first by name counts")
	}
	w.s.Tick(stamp(sec(61)))
	want(4, 5)
	w.s.Apply(stamp(sec(62)), mesh.Migrations{Source: "a"})
	want()
}

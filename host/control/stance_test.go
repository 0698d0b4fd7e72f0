package control_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/control"
	"github.com/meshos/meshos/host/mesh"
)

// Core 316 and 317 of docs/conformance.md, and what each phase of maintenance says to daemons.
func TestCore316_317_EventsOfAChangeOfPhase(t *testing.T) {
	deadline := time.Now().Add(time.Minute)
	start, finish := []control.Event{{Kind: control.DrainStart, Deadline: deadline}}, []control.Event{{Kind: control.DrainFinish}}
	phases := []mesh.MaintenancePhase{
		mesh.PhaseUnknown, mesh.PhaseActive, mesh.PhaseEntering, mesh.PhaseMaintenance,
		mesh.PhaseExiting, mesh.PhaseDrainFailed, mesh.PhaseRecovery,
	}
	for _, before := range phases {
		for _, after := range phases {
			var want []control.Event
			switch {
			case before == after: // core 317, also with another deadline
			case after == mesh.PhaseEntering:
				want = start
			case before == mesh.PhaseEntering && (after == mesh.PhaseMaintenance || after == mesh.PhaseDrainFailed): // core 316
				want = finish
			}
			got := control.Stance{Phase: after, Deadline: deadline}.Since(control.Stance{Phase: before})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("from %d to %d (-want +got):\n%s", before, after, diff)
			}
		}
	}
}

func TestB12a_EventsOfADrainWithoutMaintenance(t *testing.T) {
	deadline := time.Now().Add(time.Minute)
	start, finish := []control.Event{{Kind: control.DrainStart, Deadline: deadline}}, []control.Event{{Kind: control.DrainFinish}}
	active := control.Stance{Phase: mesh.PhaseActive}
	cordoned := control.Stance{Phase: mesh.PhaseActive, Cordoned: true}
	draining := control.Stance{Phase: mesh.PhaseActive, Draining: true, Cordoned: true, Deadline: deadline}
	longer := draining
	longer.Deadline = deadline.Add(time.Minute)
	for _, c := range []struct {
		name          string
		before, after control.Stance
		want          []control.Event
	}{
		{"a cordon alone", active, cordoned, nil},
		{"a drain", active, draining, start},
		{"of a node that is cordoned", cordoned, draining, start},
		{"with another window", draining, longer, nil},
		{"nothing is left", draining, cordoned, finish},
		{"it is cancelled", draining, active, nil},
		{"maintenance takes over", draining, control.Stance{Phase: mesh.PhaseEntering, Cordoned: true, Deadline: deadline}, start},
		{"and is reached at once", draining, control.Stance{Phase: mesh.PhaseMaintenance, Cordoned: true}, finish},
		{"a cordon is lifted after it", cordoned, active, nil},
		{"from the zero value", control.Stance{}, draining, start},
	} {
		if diff := cmp.Diff(c.want, c.after.Since(c.before)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestEventsOfAChangeOfPressure(t *testing.T) {
	off, half, full := control.Stance{}, control.Stance{Pressed: true, Level: 0.5}, control.Stance{Pressed: true, Level: 1}
	for _, c := range []struct {
		name          string
		before, after control.Stance
		want          []control.Event
	}{
		{"on", off, half, []control.Event{{Kind: control.BackpressureOn, Level: 0.5}}},
		{"another level alone", half, full, nil},
		{"off", full, off, []control.Event{{Kind: control.BackpressureOff}}},
		{"nothing", off, off, nil},
	} {
		if diff := cmp.Diff(c.want, c.after.Since(c.before)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestEventsOfThePresentState(t *testing.T) {
	deadline := time.Now().Add(time.Minute)
	for _, c := range []struct {
		name string
		now  control.Stance
		want []control.Event
	}{
		{"a node at work", control.Stance{Phase: mesh.PhaseActive}, nil},
		{"a drain under way", control.Stance{Phase: mesh.PhaseEntering, Deadline: deadline}, []control.Event{{Kind: control.DrainStart, Deadline: deadline}}},
		{"a drain without maintenance", control.Stance{Phase: mesh.PhaseActive, Draining: true, Deadline: deadline}, []control.Event{{Kind: control.DrainStart, Deadline: deadline}}},
		{"a node in maintenance", control.Stance{Phase: mesh.PhaseMaintenance}, []control.Event{{Kind: control.DrainFinish}}},
		{"a drain that failed", control.Stance{Phase: mesh.PhaseDrainFailed}, []control.Event{{Kind: control.DrainFinish}}},
		{"a node that leaves maintenance", control.Stance{Phase: mesh.PhaseExiting}, nil},
		{"too much waits", control.Stance{Phase: mesh.PhaseActive, Pressed: true, Level: 0.5}, []control.Event{{Kind: control.BackpressureOn, Level: 0.5}}},
	} {
		if diff := cmp.Diff(c.want, c.now.Present()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

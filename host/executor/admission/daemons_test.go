package admission_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/executor/admission"
	"github.com/meshos/meshos/host/mesh"
)

func TestAClosedDaemonIsGated(t *testing.T) {
	ref := mesh.DaemonRef{ID: 7, Name: "telemetry"}
	for _, a := range []mesh.Action{
		mesh.StartDaemon{Daemon: ref}, mesh.StopDaemon{Daemon: ref}, mesh.ApplyBackoff{Daemon: ref},
	} {
		w := newWorld(t)
		w.CloseDaemon(7, mesh.Time(60*sec), 0)
		_, d := w.ask(10*sec, a)
		want := admission.Decision{
			Verdict: admission.Gate, After: 50 * sec,
			Reason: "daemon-backoff: daemon 7 (telemetry) is held back for another 50000 ms",
		}
		if d != want {
			t.Errorf("%s: got %+v, want %+v", a.Kind(), d, want)
		}
		w.admits(10*sec, start(8)) // another daemon
	}
}

func TestADM08_ADaemonMayStartWhenItsGateIsOver(t *testing.T) {
	w := newWorld(t)
	w.CloseDaemon(7, mesh.Time(60*sec), 0)
	w.admits(61*sec, start(7))
}

func TestAGateThatEndsNowIsOpen(t *testing.T) {
	w := newWorld(t)
	w.CloseDaemon(7, mesh.Time(60*sec), 0)
	w.refuses(60*sec-1, start(7), admission.Gate, 1)
	w.admits(60*sec, start(7))
}

// A start that was handed out after the backoff is a forced restart.
func TestAGateHoldsForWhatWasHandedOutBeforeIt(t *testing.T) {
	w := newWorld(t)
	w.CloseDaemon(7, mesh.Time(60*sec), 2)
	w.refuses(0, start(7), admission.Gate, time.Minute) // action 1
	_, _ = w.ask(0, start(1))                           // action 2
	w.admits(0, start(7))                               // action 3
}

func TestALaterBackoffReplacesTheGate(t *testing.T) {
	w := newWorld(t)
	w.CloseDaemon(7, mesh.Time(60*sec), 0)
	w.CloseDaemon(7, mesh.Time(5*sec), 0)
	w.refuses(0, start(7), admission.Gate, 5*sec)
	w.admits(5*sec, start(7))
}

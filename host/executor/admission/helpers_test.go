package admission_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/executor/admission"
	"github.com/meshos/meshos/host/mesh"
)

// world asks gates with the default policy, as an executor does.
type world struct {
	*testing.T
	*admission.Gates
	lastID mesh.ActionID
}

func newWorld(t *testing.T) *world {
	return &world{T: t, Gates: admission.New(admission.Policy{
		PullCooldown: 250 * time.Millisecond, Stabilization: time.Minute, DrainRate: 10,
	})}
}

// ask hands out an action at a time and asks whether it may be carried out.
func (w *world) ask(at time.Duration, a mesh.Action) (mesh.Emitted, admission.Decision) {
	w.lastID++
	e := mesh.Emitted{ID: w.lastID, Action: a, At: mesh.Time(at)}
	return e, w.Decide(e, mesh.Time(at))
}

// admits asks, and wants the action admitted.
func (w *world) admits(at time.Duration, a mesh.Action) mesh.Emitted {
	w.Helper()
	e, d := w.ask(at, a)
	if d != (admission.Decision{}) {
		w.Errorf("%s at %v: got %+v, want admit", a.Kind(), at, d)
	}
	return e
}

// refuses asks, and wants another verdict, for the given time.
func (w *world) refuses(at time.Duration, a mesh.Action, v admission.Verdict, after time.Duration) {
	w.Helper()
	_, d := w.ask(at, a)
	if d.Verdict != v || d.After != after || d.Reason == "" {
		w.Errorf("%s at %v: got %+v, want %v after %v with a reason", a.Kind(), at, d, v, after)
	}
}

const (
	ms  = time.Millisecond
	sec = time.Second
)

func pull(chain mesh.ChainID) mesh.Action { return mesh.PullReplica{Chain: chain, Source: 2} }
func drop(chain mesh.ChainID) mesh.Action { return mesh.DropReplica{Chain: chain} }
func blob(id mesh.BlobID) mesh.Action     { return mesh.MigrateBlob{Blob: id, From: 1, To: 2} }

func start(id mesh.DaemonID) mesh.Action {
	return mesh.StartDaemon{Daemon: mesh.DaemonRef{ID: id, Name: "telemetry"}}
}

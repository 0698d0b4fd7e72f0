package reconcile_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

// Tests are named after the cases and rules of docs/conformance.md.

const this mesh.NodeID = 100

type world struct {
	t  *testing.T
	s  *state.State
	at mesh.Time
}

func sec(n float64) mesh.Time {
	return mesh.Time(time.Hour) + mesh.Time(n*float64(time.Second))
}

func stamp(at mesh.Time) mesh.Stamp {
	return mesh.Stamp{At: at, Wall: time.Unix(1_700_000_000, 0).Add(time.Duration(at))}
}

func newWorld(t *testing.T, change ...func(*state.Boot)) *world {
	b := state.Boot{Node: this, Epoch: 7, Policy: statetest.Policy(), At: stamp(sec(0))}
	for _, c := range change {
		c(&b)
	}
	return &world{t: t, s: state.New(b), at: sec(0)}
}

func (w *world) to(n float64) *world { w.at = sec(n); return w }

func (w *world) hear(evs ...mesh.Event) *world {
	for _, ev := range evs {
		w.s.Apply(stamp(w.at), mesh.Heard{Event: ev})
	}
	return w
}

func (w *world) admin(evs ...mesh.AdminEvent) *world {
	for _, ev := range evs {
		w.hear(mesh.AdminReceived{Event: ev})
	}
	return w
}

// pass makes one pass with room for all actions and returns what was handed out.
func (w *world) pass(n float64) []mesh.Emitted {
	w.to(n)
	return reconcile.Pass(w.s, stamp(w.at), 1<<20).Actions
}

// expect makes one pass and compares what was handed out, in order.
func (w *world) expect(n float64, want ...string) []mesh.Emitted {
	w.t.Helper()
	got := w.pass(n)
	if s := show(got); s != strings.Join(want, "\n") {
		w.t.Errorf("pass at %v s handed out:\n%s\nwant:\n%s", n, s, strings.Join(want, "\n"))
	}
	return got
}

// passWithRoom makes one pass with little room and shows what was handed out.
func (w *world) passWithRoom(n float64, room int) string {
	w.to(n)
	return show(reconcile.Pass(w.s, stamp(w.at), room).Actions)
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

func (w *world) succeed(es ...mesh.Emitted) *world {
	for _, e := range es {
		w.s.Apply(stamp(w.at), mesh.Outcome{ID: e.ID, OK: true, Final: true})
	}
	return w
}

// show returns actions as text, one per line: "stop 1 at 30s: why".
func show(es []mesh.Emitted) string {
	var lines []string
	for _, e := range es {
		switch a := e.Action.(type) {
		case mesh.StartDaemon:
			lines = append(lines, fmt.Sprintf("start %d", a.Daemon.ID))
		case mesh.StopDaemon:
			lines = append(lines, fmt.Sprintf("stop %d at %s: %s", a.Daemon.ID, time.Duration(a.Deadline-sec(0)), a.Reason))
		case mesh.ApplyBackoff:
			lines = append(lines, fmt.Sprintf("backoff %d to %s", a.Daemon.ID, time.Duration(a.Until-sec(0))))
		case mesh.MarkAvoid:
			lines = append(lines, fmt.Sprintf("avoid %d for %s: %s", a.Peer, a.TTL, a.Reason))
		case mesh.PullReplica:
			lines = append(lines, fmt.Sprintf("pull %d from %d", a.Chain, a.Source))
		case mesh.DropReplica:
			lines = append(lines, fmt.Sprintf("drop %d", a.Chain))
		case mesh.RequestEviction:
			lines = append(lines, fmt.Sprintf("evict %d from %d", a.Chain, a.Victim))
		case mesh.TransferLeader:
			lines = append(lines, fmt.Sprintf("lead %d by %d", a.Chain, a.To))
		case mesh.RequestPlacement:
			on := ""
			if a.Target != 0 {
				on = fmt.Sprintf(" on %d", a.Target)
			}
			lines = append(lines, fmt.Sprintf("place %d%s not on %s", a.Chain, on, nodes(a.Exclude)))
		case mesh.CommitTransition:
			lines = append(lines, "commit "+map[mesh.MaintenancePhase]string{
				mesh.PhaseActive: "active", mesh.PhaseMaintenance: "maintenance", mesh.PhaseDrainFailed: "drain_failed", mesh.PhaseRecovery: "recovery",
			}[a.Target])
		default:
			lines = append(lines, e.Action.Kind())
		}
	}
	return strings.Join(lines, "\n")
}

func ref(id mesh.DaemonID) mesh.DaemonRef { return mesh.DaemonRef{ID: id, Name: "d"} }

func intent(id mesh.DaemonID, i mesh.RunIntent, pin ...mesh.NodeID) mesh.Event {
	ev := mesh.DaemonIntent{Daemon: ref(id), Intent: i}
	if len(pin) > 0 {
		ev.Node = pin[0]
	}
	return ev
}

const (
	run  = mesh.IntentRun
	stop = mesh.IntentStop
)

package snapshot

import (
	"maps"
	"slices"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// local is what all daemons of this node depend on.
type local struct {
	phase           mesh.MaintenancePhase
	leaving, frozen bool
	waits           bool // for what is left: a drain that is over may go on
}

func (b *Builder) updateDaemons(s *state.State, t marks.Touched[mesh.DaemonID]) {
	m := s.Maintenance()
	now := local{phase: m.Phase, leaving: s.Evacuating(), waits: s.WaitsForChains()}
	_, now.frozen = s.Frozen()
	changed := now != b.local
	if t.All || changed {
		b.local = now
		for d := range s.Daemons() {
			b.updateDaemon(s, d)
		}
	}
	if t.All {
		known := func(id mesh.DaemonID) bool { _, ok := s.Daemon(id); return ok }
		retain(b.daemons, -1, known)
		retain(b.daemonOrders, -1, known)
		retain(b.gateOrders, -1, known)
		maps.DeleteFunc(b.restless, func(id mesh.DaemonID, _ bool) bool { return !known(id) })
	}
	for _, id := range t.IDs {
		b.daemonTouched(s, id)
	}
	for id := range b.restless {
		b.daemonTouched(s, id)
	}
	if t.All || changed || len(t.IDs) > 0 {
		b.waiting = s.WaitingDaemons()
	}
}

func (b *Builder) daemonTouched(s *state.State, id mesh.DaemonID) {
	if d, ok := s.Daemon(id); ok {
		b.updateDaemon(s, d)
		return
	}
	b.daemons.Delete(id)
	b.daemonOrders.Delete(id)
	b.gateOrders.Delete(id)
	delete(b.restless, id)
}

func (b *Builder) updateDaemon(s *state.State, d state.Daemon) {
	v := &b.next.daemon
	*v = daemonView(s, d)
	b.daemons.Update(d.Ref.ID, v, sameDaemon)
	if v.restless() {
		b.restless[d.Ref.ID] = true
	} else {
		delete(b.restless, d.Ref.ID)
	}
	o, ok := s.DaemonOrder(d.Ref.ID)
	set(b.daemonOrders, d.Ref.ID, &o, ok, sameDaemonOrder)
	g, ok := s.GateOrder(d.Ref.ID)
	set(b.gateOrders, d.Ref.ID, &g, ok, sameGate)
}

func daemonView(s *state.State, d state.Daemon) Daemon {
	v := Daemon{
		Daemon:     d.Ref,
		Lifecycle:  d.Lifecycle,
		Health:     d.Health,
		Saturation: d.Saturation,
		Restart:    d.Gate.State(),
		Placement:  s.Node(),
		Intent:     d.Intent,
		PID:        d.PID,
		Restarts:   d.Restarts(),
		Crashes:    d.Crashes,
		LastEnd:    d.LastEnd,
		Outdated:   d.Outdated(),
		Rejected:   d.Rejected,
		Ordered:    order(d.By),
		Outcome:    d.Outcome(),
		Mode:       d.Mode(),
		Waiting:    s.Waiting(d),
		Before:     d.Before(),
		Checked:    d.Checked,
		Reloadable: d.Reloadable(),
	}
	v.Since = markIf(d.Since())
	v.RestartAt = markIf(d.Gate.ReleaseAt())
	if d.Lifecycle != state.Running {
		v.StartError = s.StartError(d)
	}
	if d.Lifecycle == state.Stopped {
		v.NextStart = markIf(s.NextStart(d))
	}
	return v
}

// restless reports whether what is shown of a daemon may change although nothing happens to
// it: what it waits for may be over, and a start of it may fail or be tried again.
func (d *Daemon) restless() bool {
	if d.Waiting != "" || d.StartError != "" || d.NextStart.Set() {
		return true
	}
	quiet := d.Lifecycle == Running || d.Lifecycle == Stopped && (d.Intent == mesh.IntentStop || d.Outcome != OutcomeNone)
	return !quiet
}

func sameDaemon(a, b *Daemon) bool {
	return a.Daemon == b.Daemon && a.Lifecycle == b.Lifecycle && a.Health == b.Health && a.Saturation == b.Saturation &&
		a.Restart == b.Restart && a.RestartAt == b.RestartAt && a.Placement == b.Placement && a.Since == b.Since &&
		a.Intent == b.Intent && a.PID == b.PID && a.Restarts == b.Restarts && a.Crashes == b.Crashes &&
		a.LastEnd == b.LastEnd && a.NextStart == b.NextStart && a.Outdated == b.Outdated &&
		a.StartError == b.StartError && a.Rejected == b.Rejected && a.Ordered == b.Ordered &&
		a.Outcome == b.Outcome && a.Mode == b.Mode && a.Waiting == b.Waiting && slices.Equal(a.Before, b.Before) &&
		a.Checked == b.Checked && a.Reloadable == b.Reloadable
}

func sameDaemonOrder(a, b *state.DaemonOrder) bool {
	x, y := *a, *b
	x.Restart, y.Restart = nil, nil
	return x == y && (a.Restart == nil) == (b.Restart == nil) && (a.Restart == nil || *a.Restart == *b.Restart)
}

func sameGate(a, b *state.GateOrder) bool {
	return a.Daemon == b.Daemon && a.State == b.State && a.Until == b.Until && a.Window == b.Window &&
		a.Count == b.Count && a.LastEnd == b.LastEnd && slices.Equal(a.Crashes, b.Crashes)
}

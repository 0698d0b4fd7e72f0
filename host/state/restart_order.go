package state

import "github.com/meshos/meshos/host/mesh"

// RestartOrder is how far an ordered restart of a daemon has come.
type RestartOrder uint8

// The steps of an ordered restart.
const (
	RestartNone RestartOrder = iota
	RestartStop
	RestartStart
)

// restart restarts one daemon, if it is known.
func (s *State) restart(ref mesh.DaemonRef, o Origin) {
	if d := s.daemons.get(ref.ID); d != nil {
		s.orderRestart(d, true, o)
	}
}

// restartAll restarts all daemons.
func (s *State) restartAll(o Origin) {
	for _, d := range s.daemons.all() {
		if d.Outcome() == OutcomeNone { // one that has finished stays so
			s.orderRestart(d, false, o)
		}
	}
}

// orderRestart opens a daemon's gate, forgets its crashes and failed starts and, if it runs,
// orders a stop and then a start. If it should run and does not, it is started anyway: the
// order is remembered until then, since a node that was just started does not know yet what
// an earlier run of it left running.
func (s *State) orderRestart(d *daemon, alone bool, o Origin) {
	s.touchDaemon(d)
	s.forgive(d)
	d.again = d.again || alone
	switch {
	case d.Lifecycle == Running || d.Lifecycle == Starting:
		d.Restart = RestartStop
	case d.Lifecycle == Stopped && d.Intent == mesh.IntentRun:
		d.Restart = RestartStart
	default:
		return
	}
	d.alone, d.restartAt = alone, o.At
}

// pendingRestart returns the restart that has to outlive the process; nil for none. A daemon
// that should be stopped has none.
func (d *daemon) pendingRestart() *RestartPending {
	if d.Restart == RestartNone {
		return nil
	}
	return &RestartPending{At: d.restartAt, Alone: d.alone}
}

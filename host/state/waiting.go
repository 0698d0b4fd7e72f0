package state

import (
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// WaitingFor lists what the present phase or drain waits for: "chain 7", "daemon 3
// (telemetry)". Chains come first, and each kind is sorted by id.
func (s *State) WaitingFor() []string {
	switch {
	case s.local.phase == mesh.PhaseExiting:
		return s.notBackYet()
	case s.local.phase == mesh.PhaseEntering, s.local.phase == mesh.PhaseDrainFailed, s.local.draining:
		return s.remaining()
	}
	return nil
}

// remaining lists the chains and daemons that an evacuation has not removed yet. The list must
// not be written to.
func (s *State) remaining() []string { return s.waitingList(false, s.listRemaining) }

func (s *State) listRemaining() []string {
	var left []string
	held := slices.Sorted(s.chainsOf.of(s, s.node))
	for _, id := range slices.Compact(held) {
		if c, known := s.Chain(id); known && c.HeldBy(s.node) {
			left = append(left, ChainWaits(c.ID))
		}
	}
	return append(left, daemonsWait(s.notStoppedYet())...)
}

// holdsChains reports whether this node holds a chain.
func (s *State) holdsChains() bool {
	for id := range s.chainsOf.of(s, s.node) {
		if c, known := s.Chain(id); known && c.HeldBy(s.node) {
			return true
		}
	}
	return false
}

// ChainWaits returns in words that a chain is waited for.
func ChainWaits(id mesh.ChainID) string { return fmt.Sprintf("chain %d", id) }

// DaemonWaits returns in words that a daemon is waited for.
func DaemonWaits(ref mesh.DaemonRef) string { return fmt.Sprintf("daemon %s", ref) }

func daemonsWait(refs []mesh.DaemonRef) (out []string) {
	for _, ref := range refs {
		out = append(out, DaemonWaits(ref))
	}
	return out
}

// WaitsForChains reports whether the present phase or drain waits until this node holds no
// chain.
func (s *State) WaitsForChains() bool {
	switch s.local.phase {
	case mesh.PhaseExiting:
		return false
	case mesh.PhaseEntering, mesh.PhaseDrainFailed:
		return true
	}
	return s.local.draining
}

// WaitingDaemons returns the daemons that the present phase or drain waits for, by id.
func (s *State) WaitingDaemons() []mesh.DaemonRef {
	switch {
	case s.local.phase == mesh.PhaseExiting:
		return s.notBack()
	case s.WaitsForChains():
		return s.notStoppedYet()
	}
	return nil
}

// notStoppedYet returns the daemons that an evacuation has not stopped yet.
func (s *State) notStoppedYet() (left []mesh.DaemonRef) {
	for d := range s.Daemons() {
		if !d.Essential && d.Lifecycle != Stopped {
			left = append(left, d.Ref)
		}
	}
	return left
}

// waitList is what an evacuation, or its end, waited for when that was asked last, with what it
// was made from.
type waitList struct {
	of   waitsOf
	made bool
	list []string
}

type waitsOf struct {
	back              bool // for notBackYet
	held, daemons     uint64
	phase             mesh.MaintenancePhase
	draining, drained bool
}

// waitingList returns the list that make makes, unless it was made before and is the same.
func (s *State) waitingList(back bool, list func() []string) []string {
	of := waitsOf{
		back: back, held: s.held, daemons: s.daemons.touches,
		phase: s.local.phase, draining: s.local.draining, drained: s.local.drained,
	}
	if !s.waits.made || s.waits.of != of {
		s.waits = waitList{of: of, made: true, list: list()}
	}
	return s.waits.list
}

// notBackYet lists the daemons that should run here and do not run yet or are not well. The
// list must not be written to.
func (s *State) notBackYet() []string { return s.waitingList(true, s.listNotBack) }

func (s *State) listNotBack() []string { return daemonsWait(s.notBack()) }

func (s *State) notBack() (out []mesh.DaemonRef) {
	for d := range s.Daemons() {
		judged := d // a daemon that is being restarted should run too
		judged.Restart, judged.Health = RestartNone, mesh.DaemonHealth{}
		if intent, _ := s.EffectiveIntent(judged); intent != mesh.IntentRun || d.Outcome() != OutcomeNone {
			continue
		}
		well := d.Health.Status == mesh.DaemonHealthy || d.Health.Status == mesh.DaemonUnknown && !d.Checked
		if d.Lifecycle != Running || d.Restart != RestartNone || !well {
			out = append(out, d.Ref)
		}
	}
	return out
}

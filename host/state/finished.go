package state

import "github.com/meshos/meshos/host/mesh"

// Outcome is how the work of a daemon ended that is not started again.
type Outcome uint8

// The outcomes. OutcomeNone is that of a daemon whose work goes on.
const (
	OutcomeNone Outcome = iota
	OutcomeDone
	OutcomeFailed
)

// Outcome returns how a daemon's work ended, if its restart mode keeps it from being started
// again. It is about the command that the configuration has now: another one has not run yet.
func (d Daemon) Outcome() Outcome {
	switch {
	case d.Lifecycle != Stopped || d.again || d.Restart == RestartStart && d.alone || !d.mode.Finishes(d.LastEnd) || d.LastEnd.Config != d.file:
		return OutcomeNone
	case d.LastEnd.Clean():
		return OutcomeDone
	}
	return OutcomeFailed
}

// Mode returns after which ends a daemon is started again.
func (d Daemon) Mode() mesh.RestartMode { return d.mode }

// runAgain has a daemon that has finished run once more.
func (d *daemon) runAgain() { d.again = d.again || d.Outcome() != OutcomeNone }

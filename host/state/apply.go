package state

import (
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// Effect is something that has to be done outside the core because of an input. It is not
// part of the state.
type Effect interface{ isEffect() }

// AbortMigration asks for a migration to be aborted.
type AbortMigration struct {
	Migration mesh.MigrationID
	Reason    string // for people
}

// EndNode asks for the process to be ended. What is queued behind its command is not folded.
type EndNode struct{}

// PassSoon asks for a pass before the next regular tick: what was folded is an order, or
// something that others wait for.
type PassSoon struct{}

func (AbortMigration) isEffect() {}
func (EndNode) isEffect()        {}
func (PassSoon) isEffect()       {}

// Apply folds one input. Inputs must come in the order of their stamps.
func (s *State) Apply(at mesh.Stamp, in mesh.Input) []Effect {
	s.now, s.wall = max(s.now, at.At), at.Wall
	switch in := in.(type) {
	case mesh.Heard:
		return s.applyEvent(in.Event, in.Ordered)
	case mesh.Samples:
		s.applySamples(in)
	case mesh.Outcome:
		if s.applyOutcome(in) {
			return s.soon
		}
	case mesh.Migrations:
		return s.applyMigrations(in)
	case mesh.Scores:
		s.applyScores(in)
	case mesh.JudgedCommit:
		return s.applyCommand(in)
	case mesh.PeersAnnounced:
		s.applyAnnounced(in)
	case mesh.Acknowledged:
		s.records.acknowledge(in)
	case mesh.SignerChange:
		s.auditSigners(in)
	case mesh.FailureReport:
		s.recordFailure(in.Source, in.Reason)
	case mesh.Reload:
		s.configure(in.Desired)
		return s.soon
	}
	return nil
}

// applyEvent folds one event, with its place in the ordered log if it is an order.
func (s *State) applyEvent(ev mesh.Event, ordered *mesh.Place) []Effect {
	switch ev := ev.(type) {
	case mesh.ReplicaUpdate:
		s.replicaUpdated(ev)
	case mesh.ReplicaLeader:
		s.leaderChanged(ev)
	case mesh.ReplicaCurrent:
		s.replicaCurrent(ev)
	case mesh.ReplicaTransition:
		s.replicaTransitioned(ev)
	case mesh.DaemonStarted:
		s.daemonStarted(ev)
		return s.soon
	case mesh.DaemonExited:
		s.daemonExited(ev)
		return s.soon
	case mesh.DaemonCrashed:
		s.daemonCrashed(ev)
		return s.soon
	case mesh.DaemonRejected:
		s.daemonRejected(ev)
	case mesh.DaemonEnvironmentChanged:
		if d := s.ensureDaemon(ev.Daemon); !d.hasEnded() {
			d.envChanged = ev.Changed
		}
	case mesh.DaemonReplaced:
		if d := s.daemons.get(ev.Daemon.ID); d != nil && d.Lifecycle == Stopped {
			s.forgive(d)
		}
	case mesh.DaemonHealthChanged:
		return s.daemonHealth(ev)
	case mesh.DaemonSaturationChanged:
		s.ensureDaemon(ev.Daemon).Saturation = ev.Saturation
	case mesh.RTTSample:
		s.rttReported(ev)
	case mesh.HealthSample:
		s.healthReported(ev, origin{})
	case mesh.LogLine:
		s.recordLog(ev)
	case mesh.BlobAnnouncement:
		s.blobAnnounced(ev)
	case mesh.Shutdown: // the loop's own business
	default:
		var place mesh.Place
		if ordered != nil {
			place = *ordered
		}
		return s.applyOrder(ev, place)
	}
	return nil
}

// applyOrder folds an event that is an order, or that a node says of itself.
func (s *State) applyOrder(ev mesh.Event, place mesh.Place) []Effect {
	if command, is := ev.(mesh.AdminReceived); is {
		return s.applyUnsigned(command, place)
	}
	o := s.origin(place, nil)
	switch ev := ev.(type) {
	case mesh.PlacementIntent:
		s.orderDesired(ev.Chain, &ev.Desired, o)
	case mesh.LocalReplicaIntent:
		s.orderHold(ev.Chain, ev.Intent, o)
	case mesh.DaemonIntent:
		s.daemonIntended(ev, o)
	case mesh.MaintenanceObserved:
		s.maintenanceObserved(ev, o)
	}
	if mesh.IsOrder(ev, s.node) {
		return s.soon
	}
	return nil
}

// describe returns an action for people: "start_daemon 3 (telemetry)".
func describe(a mesh.Action) string {
	switch a := a.(type) {
	case mesh.StartDaemon:
		return fmt.Sprintf("%s %s", a.Kind(), a.Daemon)
	case mesh.StopDaemon:
		return fmt.Sprintf("%s %s", a.Kind(), a.Daemon)
	case mesh.ApplyBackoff:
		return fmt.Sprintf("%s %s", a.Kind(), a.Daemon)
	case mesh.AskReload:
		return fmt.Sprintf("%s %s", a.Kind(), a.Daemon)
	case mesh.SendSignal:
		return fmt.Sprintf("%s %s to %s", a.Kind(), a.Signal, a.Daemon)
	}
	return fmt.Sprintf("%s %d", a.Kind(), a.Key().Subject)
}

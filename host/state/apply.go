package state

import (
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// Effect is something that somebody outside must do because of an input. It is
// no part of the state.
type Effect interface{ isEffect() }

// AbortMigration asks for a migration to be aborted.
type AbortMigration struct{ Migration mesh.MigrationID }

func (AbortMigration) isEffect() {}

// Apply folds one input. Inputs must be handed in in the order of their stamps.
func (s *State) Apply(at mesh.Stamp, in mesh.Input) []Effect {
	s.now, s.wall = max(s.now, at.At), at.Wall
	switch in := in.(type) {
	case mesh.Heard:
		return s.hear(in.Event)
	case mesh.Samples:
		s.sampled(in)
	case mesh.Outcome:
		s.ended(in)
	case mesh.Migrations:
		s.migrating(in)
	case mesh.Scores:
		s.scored(in)
	case mesh.JudgedCommit:
		return s.judged(in)
	case mesh.Acknowledged:
		s.records.acknowledge(in)
	case mesh.SignerChange:
		s.auditSigners(in)
	case mesh.FailureReport:
		s.fail(in.Source, in.Reason)
	case mesh.Reload:
		s.configure(in.Desired)
	}
	return nil
}

// hear folds one event.
func (s *State) hear(ev mesh.Event) []Effect {
	switch ev := ev.(type) {
	case mesh.ReplicaUpdate:
		s.replicaUpdated(ev)
	case mesh.ReplicaLeader:
		s.leaderChanged(ev)
	case mesh.ReplicaTransition:
		s.replicaMoved(ev)
	case mesh.DaemonStarted:
		s.daemonStarted(ev)
	case mesh.DaemonExited:
		s.daemonExited(ev)
	case mesh.DaemonCrashed:
		s.daemonCrashed(ev)
	case mesh.DaemonHealthChanged:
		s.daemonSeen(ev.Daemon).Health = ev.Health
	case mesh.DaemonSaturationChanged:
		s.daemonSeen(ev.Daemon).Saturation = ev.Saturation
	case mesh.RTTSample:
		s.rttHeard(ev)
	case mesh.HealthSample:
		s.healthSeen(ev, false)
	case mesh.LogLine:
		s.log(ev)
	case mesh.BlobAnnouncement:
		s.blobAnnounced(ev)
	case mesh.PlacementIntent:
		s.chains.ensure(ev.Chain).setDesired(ev.Desired)
		s.maybeEmpty(ev.Chain)
	case mesh.LocalReplicaIntent:
		s.chains.ensure(ev.Chain).hold = ev.Intent
		s.maybeEmpty(ev.Chain)
	case mesh.DaemonIntent:
		s.daemonIntended(ev)
	case mesh.MaintenanceObserved:
		s.maintenanceObserved(ev)
	case mesh.AdminReceived:
		return s.unsigned(ev.Event)
	case mesh.Shutdown: // the loop's own business
	}
	return nil
}

// describe names an action for people: "start_daemon 3 (telemetry)".
func describe(a mesh.Action) string {
	switch a := a.(type) {
	case mesh.StartDaemon:
		return fmt.Sprintf("%s %s", a.Kind(), a.Daemon)
	case mesh.StopDaemon:
		return fmt.Sprintf("%s %s", a.Kind(), a.Daemon)
	case mesh.ApplyBackoff:
		return fmt.Sprintf("%s %s", a.Kind(), a.Daemon)
	}
	return fmt.Sprintf("%s %d", a.Kind(), a.Key().Subject)
}

package wire_test

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The conversions rely on the host's enums having the contract's numbers. These
// are all the names, so a change on either side shows here.
func TestEnumsHaveTheContractsNumbers(t *testing.T) {
	for _, c := range []struct {
		contract protoreflect.Enum
		ours     map[string]int
	}{
		{meshosv1.NodeHealth(0), map[string]int{
			"NODE_HEALTH_UNSPECIFIED": int(mesh.HealthUnknown), "NODE_HEALTH_HEALTHY": int(mesh.HealthHealthy),
			"NODE_HEALTH_DEGRADED": int(mesh.HealthDegraded), "NODE_HEALTH_UNREACHABLE": int(mesh.HealthUnreachable),
		}},
		{meshosv1.DaemonHealth_Status(0), map[string]int{
			"STATUS_UNSPECIFIED": int(mesh.DaemonUnknown), "STATUS_HEALTHY": int(mesh.DaemonHealthy),
			"STATUS_DEGRADED": int(mesh.DaemonDegraded), "STATUS_UNHEALTHY": int(mesh.DaemonUnhealthy),
		}},
		{meshosv1.MaintenancePhase(0), map[string]int{
			"MAINTENANCE_PHASE_UNSPECIFIED": int(mesh.PhaseUnknown), "MAINTENANCE_PHASE_ACTIVE": int(mesh.PhaseActive),
			"MAINTENANCE_PHASE_ENTERING": int(mesh.PhaseEntering), "MAINTENANCE_PHASE_MAINTENANCE": int(mesh.PhaseMaintenance),
			"MAINTENANCE_PHASE_EXITING": int(mesh.PhaseExiting), "MAINTENANCE_PHASE_DRAIN_FAILED": int(mesh.PhaseDrainFailed),
			"MAINTENANCE_PHASE_RECOVERY": int(mesh.PhaseRecovery),
		}},
		{meshosv1.ReplicaUpdate_Kind(0), map[string]int{
			"KIND_UNSPECIFIED": 0, "KIND_ADDED": int(mesh.ReplicaAdded), "KIND_REMOVED": int(mesh.ReplicaRemoved),
			"KIND_LOST": int(mesh.ReplicaLost), "KIND_REPAIRED": int(mesh.ReplicaRepaired),
		}},
		{meshosv1.ReplicaTransition_Kind(0), map[string]int{
			"KIND_UNSPECIFIED": 0, "KIND_BECAME_HOLDER_AND_LEADER": int(mesh.BecameHolderAndLeader),
			"KIND_LEADER_LOST_AND_REMOVED": int(mesh.LeaderLostAndRemoved),
		}},
		{meshosv1.LogLevel(0), map[string]int{
			"LOG_LEVEL_UNSPECIFIED": 0, "LOG_LEVEL_TRACE": int(mesh.LevelTrace), "LOG_LEVEL_DEBUG": int(mesh.LevelDebug),
			"LOG_LEVEL_INFO": int(mesh.LevelInfo), "LOG_LEVEL_WARN": int(mesh.LevelWarn), "LOG_LEVEL_ERROR": int(mesh.LevelError),
		}},
		{meshosv1.DaemonIntent_Intent(0), map[string]int{
			"INTENT_UNSPECIFIED": int(mesh.IntentNone), "INTENT_RUN": int(mesh.IntentRun), "INTENT_STOP": int(mesh.IntentStop),
		}},
		{meshosv1.LocalReplicaIntent_Intent(0), map[string]int{
			"INTENT_UNSPECIFIED": int(mesh.HoldNone), "INTENT_HOLD": int(mesh.HoldKeep), "INTENT_DROP": int(mesh.HoldDrop),
		}},
		{meshosv1.MigrationView_Phase(0), map[string]int{
			"PHASE_UNSPECIFIED": int(mesh.MigrationUnknown), "PHASE_SNAPSHOT": int(mesh.MigrationSnapshot),
			"PHASE_TRANSFER": int(mesh.MigrationTransfer), "PHASE_RESTORE": int(mesh.MigrationRestore),
			"PHASE_REPLAY": int(mesh.MigrationReplay), "PHASE_CUTOVER": int(mesh.MigrationCutover),
			"PHASE_COMPLETE": int(mesh.MigrationComplete),
		}},
		{meshosv1.VerificationOutcome_Verdict(0), map[string]int{
			"VERDICT_UNSPECIFIED": 0, "VERDICT_ACCEPTED": int(mesh.VerdictAccepted),
			"VERDICT_REJECTED": int(mesh.VerdictRejected), "VERDICT_UNVERIFIED": int(mesh.VerdictUnverified),
		}},
		{meshosv1.ActionRecord_Outcome(0), map[string]int{
			"OUTCOME_UNSPECIFIED": 0, "OUTCOME_DISPATCHED": int(mesh.ActionDispatched),
			"OUTCOME_FAILED": int(mesh.ActionFailed), "OUTCOME_GATED": int(mesh.ActionGated),
		}},
		{meshosv1.DaemonView_Lifecycle(0), map[string]int{
			"LIFECYCLE_UNSPECIFIED": 0, "LIFECYCLE_STOPPED": int(snapshot.Stopped), "LIFECYCLE_STARTING": int(snapshot.Starting),
			"LIFECYCLE_RUNNING": int(snapshot.Running), "LIFECYCLE_STOPPING": int(snapshot.Stopping),
		}},
		{meshosv1.DaemonView_Restart(0), map[string]int{
			"RESTART_UNSPECIFIED": 0, "RESTART_IDLE": int(snapshot.RestartIdle),
			"RESTART_BACKING_OFF": int(snapshot.RestartBackingOff), "RESTART_CRASH_LOOPING": int(snapshot.RestartCrashLooping),
		}},
		{meshosv1.PluginView_Status(0), map[string]int{
			"STATUS_UNSPECIFIED": 0, "STATUS_STARTING": int(snapshot.PluginStarting), "STATUS_READY": int(snapshot.PluginReady),
			"STATUS_LAGGING": int(snapshot.PluginLagging), "STATUS_BACKING_OFF": int(snapshot.PluginBackingOff),
			"STATUS_QUARANTINED": int(snapshot.PluginQuarantined), "STATUS_DISABLED": int(snapshot.PluginDisabled),
			"STATUS_REJECTED": int(snapshot.PluginRejected),
		}},
	} {
		descriptor := c.contract.Descriptor()
		if descriptor.Values().Len() != len(c.ours) {
			t.Errorf("%s has %d values in the contract, %d here", descriptor.FullName(), descriptor.Values().Len(), len(c.ours))
		}
		for name, ours := range c.ours {
			value := descriptor.Values().ByName(protoreflect.Name(name))
			if value == nil || int(value.Number()) != ours {
				t.Errorf("%s.%s is %v in the contract, %d here", descriptor.FullName(), name, value, ours)
			}
		}
	}
}

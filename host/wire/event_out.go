package wire

import (
	"fmt"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// EventToProto converts one event. It panics on a type of event that it does not know:
// then somebody added one to host/mesh and forgot this function.
func EventToProto(in mesh.Event) *meshosv1.Event {
	if lifecycle := lifecycleToProto(in); lifecycle != nil {
		return &meshosv1.Event{Kind: &meshosv1.Event_DaemonLifecycle{DaemonLifecycle: lifecycle}}
	}
	switch e := in.(type) {
	case mesh.ReplicaUpdate:
		return &meshosv1.Event{Kind: &meshosv1.Event_ReplicaUpdate{ReplicaUpdate: &meshosv1.ReplicaUpdate{
			Kind: meshosv1.ReplicaUpdate_Kind(e.Change), Chain: uint64(e.Chain), Holder: uint64(e.Holder),
		}}}
	case mesh.ReplicaLeader:
		return &meshosv1.Event{Kind: &meshosv1.Event_ReplicaLeader{ReplicaLeader: &meshosv1.ReplicaLeader{
			Chain: uint64(e.Chain), Leader: orAbsent(e.Leader),
		}}}
	case mesh.ReplicaCurrent:
		return &meshosv1.Event{Kind: &meshosv1.Event_ReplicaCurrent{ReplicaCurrent: &meshosv1.ReplicaCurrent{
			Chain: uint64(e.Chain), Holders: numbers(e.Holders),
		}}}
	case mesh.ReplicaTransition:
		return &meshosv1.Event{Kind: &meshosv1.Event_ReplicaTransition{ReplicaTransition: &meshosv1.ReplicaTransition{
			Kind: meshosv1.ReplicaTransition_Kind(e.Kind), Chain: uint64(e.Chain), Holder: uint64(e.Holder),
		}}}
	case mesh.RTTSample:
		sample := RTTToProto(e)
		sample.Rtt = durationpb.New(e.RTT)
		return &meshosv1.Event{Kind: &meshosv1.Event_RttSample{RttSample: sample}}
	case mesh.HealthSample:
		return &meshosv1.Event{Kind: &meshosv1.Event_NodeHealth{NodeHealth: HealthToProto(e)}}
	case mesh.LogLine:
		return &meshosv1.Event{Kind: &meshosv1.Event_LogLine{LogLine: &meshosv1.LogLine{
			Level: meshosv1.LogLevel(e.Level), DaemonId: orAbsent(e.Daemon), Source: valid(e.Source), Message: valid(e.Message), Output: OutputPlace(e.Output),
		}}}
	case mesh.BlobAnnouncement:
		return &meshosv1.Event{Kind: &meshosv1.Event_BlobAnnouncement{BlobAnnouncement: &meshosv1.BlobAnnouncement{
			Blob: uint64(e.Blob), Holder: uint64(e.Holder), SizeBytes: e.SizeBytes, Added: e.Added,
		}}}
	case mesh.PlacementIntent:
		return &meshosv1.Event{Kind: &meshosv1.Event_PlacementIntent{PlacementIntent: &meshosv1.PlacementIntent{
			Chain: uint64(e.Chain), DesiredReplicas: e.Desired,
		}}}
	case mesh.DaemonIntent:
		return &meshosv1.Event{Kind: &meshosv1.Event_DaemonIntent{DaemonIntent: &meshosv1.DaemonIntent{
			Daemon: daemonRef(e.Daemon), Intent: meshosv1.DaemonIntent_Intent(e.Intent), Node: orAbsent(e.Node),
		}}}
	case mesh.LocalReplicaIntent:
		return &meshosv1.Event{Kind: &meshosv1.Event_LocalReplicaIntent{LocalReplicaIntent: &meshosv1.LocalReplicaIntent{
			Chain: uint64(e.Chain), Intent: meshosv1.LocalReplicaIntent_Intent(e.Intent),
		}}}
	case mesh.MaintenanceObserved:
		return &meshosv1.Event{Kind: &meshosv1.Event_MaintenanceObserved{MaintenanceObserved: &meshosv1.MaintenanceObserved{
			Node: uint64(e.Node), Phase: meshosv1.MaintenancePhase(e.Phase),
			Reason: valid(e.Reason), Deadline: durationOrAbsent(e.Deadline),
		}}}
	case mesh.AdminReceived:
		return &meshosv1.Event{Kind: &meshosv1.Event_Admin{Admin: AdminToProto(e.Event)}, Reason: valid(e.Reason)}
	case mesh.Shutdown:
		return &meshosv1.Event{Kind: &meshosv1.Event_Shutdown{Shutdown: &meshosv1.Shutdown{}}}
	}
	panic(fmt.Sprintf("wire: event of unknown type %T", in))
}

// lifecycleToProto converts a signal in a daemon's life. It returns nil for all other
// events.
func lifecycleToProto(in mesh.Event) *meshosv1.DaemonLifecycle {
	switch e := in.(type) {
	case mesh.DaemonStarted:
		return &meshosv1.DaemonLifecycle{
			Daemon: daemonRef(e.Daemon),
			Signal: &meshosv1.DaemonLifecycle_Started_{Started: &meshosv1.DaemonLifecycle_Started{
				Pid: e.PID, ConfigSha256: valid(e.Config), Since: wall(e.Since),
			}},
		}
	case mesh.DaemonExited:
		return &meshosv1.DaemonLifecycle{
			Daemon: daemonRef(e.Daemon),
			Signal: &meshosv1.DaemonLifecycle_ExitedCleanly_{ExitedCleanly: &meshosv1.DaemonLifecycle_ExitedCleanly{
				Exit: daemonEnd(e.End),
			}},
		}
	case mesh.DaemonCrashed:
		return &meshosv1.DaemonLifecycle{
			Daemon: daemonRef(e.Daemon),
			Signal: &meshosv1.DaemonLifecycle_Crashed_{Crashed: &meshosv1.DaemonLifecycle_Crashed{
				Reason: valid(e.Reason), Exit: daemonEnd(e.End),
			}},
		}
	case mesh.DaemonRejected:
		return &meshosv1.DaemonLifecycle{
			Daemon: daemonRef(e.Daemon),
			Signal: &meshosv1.DaemonLifecycle_Rejected_{Rejected: &meshosv1.DaemonLifecycle_Rejected{Reason: valid(e.Reason)}},
		}
	case mesh.DaemonEnvironmentChanged:
		return &meshosv1.DaemonLifecycle{
			Daemon: daemonRef(e.Daemon), Signal: &meshosv1.DaemonLifecycle_EnvironmentChanged{EnvironmentChanged: e.Changed},
		}
	case mesh.DaemonReplaced:
		return &meshosv1.DaemonLifecycle{
			Daemon: daemonRef(e.Daemon),
			Signal: &meshosv1.DaemonLifecycle_Replaced_{Replaced: &meshosv1.DaemonLifecycle_Replaced{}},
		}
	case mesh.DaemonHealthChanged:
		return &meshosv1.DaemonLifecycle{
			Daemon: daemonRef(e.Daemon),
			Signal: &meshosv1.DaemonLifecycle_HealthChanged{HealthChanged: &meshosv1.DaemonHealth{
				Status: meshosv1.DaemonHealth_Status(e.Health.Status), Reason: valid(e.Health.Reason),
			}},
		}
	case mesh.DaemonSaturationChanged:
		return &meshosv1.DaemonLifecycle{
			Daemon: daemonRef(e.Daemon),
			Signal: &meshosv1.DaemonLifecycle_SaturationChanged{SaturationChanged: e.Saturation},
		}
	}
	return nil
}

// daemonEnd converts how a daemon ended. It returns nil if nothing is known.
func daemonEnd(e mesh.DaemonEnd) *meshosv1.DaemonExit {
	if !e.Known() {
		return nil
	}
	out := &meshosv1.DaemonExit{
		Code: e.Code, Signal: valid(e.Signal), LastLine: valid(e.LastLine), At: wall(e.At),
		Asked: e.Asked, ConfigSha256: valid(e.Config), Unhealthy: valid(e.Unhealthy),
	}
	if e.Early > 0 {
		out.Early = durationpb.New(e.Early)
	}
	return out
}

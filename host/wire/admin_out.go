package wire

import (
	"fmt"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// AdminToProto converts one operator command. It returns nil for nil, which is in the
// record of an envelope that held no command. It panics on a type of command that it does
// not know: then somebody added one to host/mesh and forgot this function.
func AdminToProto(in mesh.AdminEvent) *meshosv1.AdminEvent {
	if in == nil {
		return nil
	}
	if out := membersToProto(in); out != nil {
		return out
	}
	if in.BreakGlass() {
		return breakGlassToProto(in)
	}
	return ordinaryToProto(in)
}

func ordinaryToProto(in mesh.AdminEvent) *meshosv1.AdminEvent {
	switch e := in.(type) {
	case mesh.EnterMaintenance:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_EnterMaintenance{EnterMaintenance: &meshosv1.EnterMaintenance{
			Node: uint64(e.Node), DrainFor: durationOrAbsent(e.DrainFor),
		}}}
	case mesh.ExitMaintenance:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ExitMaintenance{ExitMaintenance: target(e.Node)}}
	case mesh.Drain:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Drain{Drain: &meshosv1.Drain{
			Node: uint64(e.Node), DrainFor: durationpb.New(e.DrainFor),
		}}}
	case mesh.Cordon:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Cordon{Cordon: target(e.Node)}}
	case mesh.Uncordon:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Uncordon{Uncordon: target(e.Node)}}
	case mesh.RestartAllDaemons:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_RestartAllDaemons{RestartAllDaemons: target(e.Node)}}
	case mesh.ClearAvoidList:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ClearAvoidList{ClearAvoidList: target(e.Node)}}
	case mesh.DropReplicas:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_DropReplicas{DropReplicas: &meshosv1.DropReplicas{
			Node: uint64(e.Node), Chains: numbers(e.Chains),
		}}}
	case mesh.InvalidatePlacement:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_InvalidatePlacement{InvalidatePlacement: target(e.Node)}}
	case mesh.SetDaemonIntent:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetDaemonIntent{SetDaemonIntent: &meshosv1.SetDaemonIntent{
			Node: uint64(e.Node), Daemon: daemonRef(e.Daemon), Intent: meshosv1.DaemonIntent_Intent(e.Intent),
		}}}
	case mesh.SetPlacement:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetPlacement{SetPlacement: &meshosv1.SetPlacement{
			Node: uint64(e.Node), Chain: uint64(e.Chain), DesiredReplicas: copied(e.Desired),
		}}}
	case mesh.SetLocalReplica:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetLocalReplica{SetLocalReplica: &meshosv1.SetLocalReplica{
			Node: uint64(e.Node), Chain: uint64(e.Chain), Intent: meshosv1.LocalReplicaIntent_Intent(e.Intent),
		}}}
	case mesh.StopNode:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_StopNode{StopNode: target(e.Node)}}
	case mesh.RestartDaemon:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_RestartDaemon{RestartDaemon: &meshosv1.RestartDaemon{
			Node: uint64(e.Node), Daemon: daemonRef(e.Daemon),
		}}}
	case mesh.ReloadDaemon:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ReloadDaemon{ReloadDaemon: &meshosv1.ReloadDaemon{
			Node: uint64(e.Node), Daemon: daemonRef(e.Daemon),
		}}}
	case mesh.SignalDaemon:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SignalDaemon{SignalDaemon: &meshosv1.SignalDaemon{
			Node: uint64(e.Node), Daemon: daemonRef(e.Daemon), Signal: valid(e.Signal),
		}}}
	}
	panic(fmt.Sprintf("wire: command of unknown type %T", in))
}

func breakGlassToProto(in mesh.AdminEvent) *meshosv1.AdminEvent {
	switch e := in.(type) {
	case mesh.FreezeCluster:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_FreezeCluster{FreezeCluster: &meshosv1.FreezeCluster{
			Ttl: durationpb.New(e.TTL),
		}}}
	case mesh.ThawCluster:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ThawCluster{ThawCluster: &meshosv1.ThawCluster{}}}
	case mesh.FlushAvoidLists:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_FlushAvoidLists{FlushAvoidLists: flushToProto(e)}}
	case mesh.ForceEvictReplica:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ForceEvictReplica{ForceEvictReplica: &meshosv1.ForceEvictReplica{
			Chain: uint64(e.Chain), Victim: uint64(e.Victim),
		}}}
	case mesh.ForceRestartDaemon:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ForceRestartDaemon{ForceRestartDaemon: &meshosv1.ForceRestartDaemon{
			Daemon: daemonRef(e.Daemon), Node: uint64(e.Node),
		}}}
	case mesh.ForceCutover:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ForceCutover{ForceCutover: &meshosv1.ForceCutover{
			Chain: uint64(e.Chain), Target: uint64(e.Target),
		}}}
	case mesh.KillMigration:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_KillMigration{KillMigration: &meshosv1.KillMigration{
			Migration: uint64(e.Migration), Node: uint64(e.Node),
		}}}
	}
	panic(fmt.Sprintf("wire: command of unknown type %T", in))
}

func flushToProto(e mesh.FlushAvoidLists) *meshosv1.FlushAvoidLists {
	switch {
	case e.Local != 0:
		return &meshosv1.FlushAvoidLists{Scope: &meshosv1.FlushAvoidLists_Local{Local: uint64(e.Local)}}
	case e.OnPeer != 0:
		return &meshosv1.FlushAvoidLists{Scope: &meshosv1.FlushAvoidLists_OnPeer{OnPeer: uint64(e.OnPeer)}}
	}
	return &meshosv1.FlushAvoidLists{Scope: &meshosv1.FlushAvoidLists_Global{Global: e.Global}}
}

func target(node mesh.NodeID) *meshosv1.NodeTarget { return &meshosv1.NodeTarget{Node: uint64(node)} }

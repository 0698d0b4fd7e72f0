package wire

import (
	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// AdminFromProto checks and converts one operator command. It does not check how long a
// freeze lasts: the core rejects one that is too long, and audits that. The error is a
// *FieldError.
func AdminFromProto(in *meshosv1.AdminEvent) (mesh.AdminEvent, error) {
	return adminFromProto(&fields{}, in)
}

func adminFromProto(f *fields, in *meshosv1.AdminEvent) (mesh.AdminEvent, error) {
	out := f.ordinary(in)
	if out == nil {
		out = f.breakGlass(in)
	}
	if out == nil {
		out = f.members(in)
	}
	if out == nil {
		f.fail("kind", "must be set to a kind of command that this version knows")
	}
	if f.err != nil {
		return nil, f.err
	}
	return out, nil
}

// ordinary converts the commands that a freeze stops. It returns nil for all others.
func (f *fields) ordinary(in *meshosv1.AdminEvent) mesh.AdminEvent {
	switch kind := in.GetKind().(type) {
	case *meshosv1.AdminEvent_EnterMaintenance:
		return mesh.EnterMaintenance{
			Node:     mesh.NodeID(f.id("enter_maintenance.node", kind.EnterMaintenance.GetNode())),
			DrainFor: f.duration("enter_maintenance.drain_for", kind.EnterMaintenance.GetDrainFor()),
		}
	case *meshosv1.AdminEvent_ExitMaintenance:
		return mesh.ExitMaintenance{Node: f.target("exit_maintenance", kind.ExitMaintenance)}
	case *meshosv1.AdminEvent_Drain:
		return mesh.Drain{
			Node:     mesh.NodeID(f.id("drain.node", kind.Drain.GetNode())),
			DrainFor: f.durationOr0("drain.drain_for", kind.Drain.GetDrainFor()),
		}
	case *meshosv1.AdminEvent_Cordon:
		return mesh.Cordon{Node: f.target("cordon", kind.Cordon)}
	case *meshosv1.AdminEvent_Uncordon:
		return mesh.Uncordon{Node: f.target("uncordon", kind.Uncordon)}
	case *meshosv1.AdminEvent_RestartAllDaemons:
		return mesh.RestartAllDaemons{Node: f.target("restart_all_daemons", kind.RestartAllDaemons)}
	case *meshosv1.AdminEvent_ClearAvoidList:
		return mesh.ClearAvoidList{Node: f.target("clear_avoid_list", kind.ClearAvoidList)}
	case *meshosv1.AdminEvent_DropReplicas:
		return mesh.DropReplicas{
			Node:   mesh.NodeID(f.id("drop_replicas.node", kind.DropReplicas.GetNode())),
			Chains: ids[mesh.ChainID](f, "drop_replicas.chains", kind.DropReplicas.GetChains()),
		}
	case *meshosv1.AdminEvent_InvalidatePlacement:
		return mesh.InvalidatePlacement{Node: f.target("invalidate_placement", kind.InvalidatePlacement)}
	case *meshosv1.AdminEvent_StopNode:
		return mesh.StopNode{Node: f.target("stop_node", kind.StopNode)}
	case *meshosv1.AdminEvent_RestartDaemon:
		return mesh.RestartDaemon{
			Node:   mesh.NodeID(f.id("restart_daemon.node", kind.RestartDaemon.GetNode())),
			Daemon: f.daemonRef("restart_daemon.daemon", kind.RestartDaemon.GetDaemon()),
		}
	case *meshosv1.AdminEvent_ReloadDaemon:
		return mesh.ReloadDaemon{
			Node:   mesh.NodeID(f.id("reload_daemon.node", kind.ReloadDaemon.GetNode())),
			Daemon: f.daemonRef("reload_daemon.daemon", kind.ReloadDaemon.GetDaemon()),
		}
	case *meshosv1.AdminEvent_SignalDaemon:
		return mesh.SignalDaemon{
			Node:   mesh.NodeID(f.id("signal_daemon.node", kind.SignalDaemon.GetNode())),
			Daemon: f.daemonRef("signal_daemon.daemon", kind.SignalDaemon.GetDaemon()),
			Signal: f.signal("signal_daemon.signal", kind.SignalDaemon.GetSignal()),
		}
	}
	return f.intent(in)
}

// signal reads the name of a signal.
func (f *fields) signal(field, word string) string {
	name, ok := mesh.Signal(word)
	if !ok {
		f.fail(field, "must be the name of a signal, such as SIGHUP")
	}
	return name
}

// intent converts the commands that take precedence over the configuration. It returns nil
// for all others.
func (f *fields) intent(in *meshosv1.AdminEvent) mesh.AdminEvent {
	switch kind := in.GetKind().(type) {
	case *meshosv1.AdminEvent_SetDaemonIntent:
		return mesh.SetDaemonIntent{
			Node:   mesh.NodeID(f.id("set_daemon_intent.node", kind.SetDaemonIntent.GetNode())),
			Daemon: f.daemonRef("set_daemon_intent.daemon", kind.SetDaemonIntent.GetDaemon()),
			Intent: mesh.RunIntent(f.enumOr0("set_daemon_intent.intent", int32(kind.SetDaemonIntent.GetIntent()), int32(mesh.IntentStop))),
		}
	case *meshosv1.AdminEvent_SetPlacement:
		return mesh.SetPlacement{
			Node:    mesh.NodeID(f.id("set_placement.node", kind.SetPlacement.GetNode())),
			Chain:   mesh.ChainID(f.id("set_placement.chain", kind.SetPlacement.GetChain())),
			Desired: copied(kind.SetPlacement.DesiredReplicas),
		}
	case *meshosv1.AdminEvent_SetLocalReplica:
		return mesh.SetLocalReplica{
			Node:   mesh.NodeID(f.id("set_local_replica.node", kind.SetLocalReplica.GetNode())),
			Chain:  mesh.ChainID(f.id("set_local_replica.chain", kind.SetLocalReplica.GetChain())),
			Intent: mesh.HoldIntent(f.enumOr0("set_local_replica.intent", int32(kind.SetLocalReplica.GetIntent()), int32(mesh.HoldDrop))),
		}
	}
	return nil
}

// target reads the node of a command that has no other field.
func (f *fields) target(kind string, in *meshosv1.NodeTarget) mesh.NodeID {
	return mesh.NodeID(f.id(kind+".node", in.GetNode()))
}

// breakGlass converts the commands that pass a freeze. It returns nil for all others.
func (f *fields) breakGlass(in *meshosv1.AdminEvent) mesh.AdminEvent {
	switch kind := in.GetKind().(type) {
	case *meshosv1.AdminEvent_FreezeCluster:
		return mesh.FreezeCluster{TTL: f.durationOr0("freeze_cluster.ttl", kind.FreezeCluster.GetTtl())}
	case *meshosv1.AdminEvent_ThawCluster:
		return mesh.ThawCluster{}
	case *meshosv1.AdminEvent_FlushAvoidLists:
		return f.flushAvoidLists(kind.FlushAvoidLists)
	case *meshosv1.AdminEvent_ForceEvictReplica:
		return mesh.ForceEvictReplica{
			Chain:  mesh.ChainID(f.id("force_evict_replica.chain", kind.ForceEvictReplica.GetChain())),
			Victim: mesh.NodeID(f.id("force_evict_replica.victim", kind.ForceEvictReplica.GetVictim())),
		}
	case *meshosv1.AdminEvent_ForceRestartDaemon:
		return mesh.ForceRestartDaemon{
			Daemon: f.daemonRef("force_restart_daemon.daemon", kind.ForceRestartDaemon.GetDaemon()),
			Node:   mesh.NodeID(kind.ForceRestartDaemon.GetNode()),
		}
	case *meshosv1.AdminEvent_ForceCutover:
		return mesh.ForceCutover{
			Chain:  mesh.ChainID(f.id("force_cutover.chain", kind.ForceCutover.GetChain())),
			Target: mesh.NodeID(f.id("force_cutover.target", kind.ForceCutover.GetTarget())),
		}
	case *meshosv1.AdminEvent_KillMigration:
		return mesh.KillMigration{
			Migration: mesh.MigrationID(f.id("kill_migration.migration", kind.KillMigration.GetMigration())),
			Node:      mesh.NodeID(kind.KillMigration.GetNode()),
		}
	}
	return nil
}

func (f *fields) flushAvoidLists(in *meshosv1.FlushAvoidLists) mesh.AdminEvent {
	var out mesh.FlushAvoidLists
	switch scope := in.GetScope().(type) {
	case *meshosv1.FlushAvoidLists_Local:
		out.Local = mesh.NodeID(f.id("flush_avoid_lists.local", scope.Local))
	case *meshosv1.FlushAvoidLists_OnPeer:
		out.OnPeer = mesh.NodeID(f.id("flush_avoid_lists.on_peer", scope.OnPeer))
	case *meshosv1.FlushAvoidLists_Global:
		out.Global = scope.Global
		if !scope.Global {
			f.fail("flush_avoid_lists.global", "must be true, or another scope be set")
		}
	default:
		f.fail("flush_avoid_lists.scope", "must be set: local, on_peer or global")
	}
	return out
}

package view

import (
	"fmt"
	"slices"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// NoOp returns why a command changes nothing on the node whose snapshot it is, as that shows:
// "node 1 is not cordoned". It is empty for a command that changes something, or may.
func NoOp(e *meshosv1.AdminEvent, s *meshosv1.Snapshot) string {
	node := targetNode(e)
	if node != 0 && node != s.GetNode() {
		return ""
	}
	local := s.GetLocalMaintenance()
	is := func(holds bool, words string) string {
		if !holds {
			return ""
		}
		return fmt.Sprintf("node %d %s", s.GetNode(), words)
	}
	switch k := e.GetKind().(type) {
	case *meshosv1.AdminEvent_EnterMaintenance:
		return is(local.GetPhase() == meshosv1.MaintenancePhase_MAINTENANCE_PHASE_MAINTENANCE, "is in maintenance already")
	case *meshosv1.AdminEvent_ExitMaintenance:
		switch local.GetPhase() {
		case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE:
			return is(true, "is not in maintenance")
		case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_EXITING, meshosv1.MaintenancePhase_MAINTENANCE_PHASE_RECOVERY:
			return is(true, "is leaving maintenance already")
		}
	case *meshosv1.AdminEvent_Cordon:
		return is(local.GetCordoned(), "is cordoned already")
	case *meshosv1.AdminEvent_Uncordon:
		return is(!local.GetCordoned() && !local.GetDraining(), "is not cordoned")
	case *meshosv1.AdminEvent_RestartAllDaemons:
		return is(!slices.ContainsFunc(s.GetDaemons(), func(d *meshosv1.DaemonView) bool {
			return d.GetLifecycle() != meshosv1.DaemonView_LIFECYCLE_STOPPED || d.GetRestart() > meshosv1.DaemonView_RESTART_IDLE
		}), "runs no daemon")
	case *meshosv1.AdminEvent_ClearAvoidList:
		return is(len(s.GetAvoidList()) == 0, "avoids no peer")
	case *meshosv1.AdminEvent_ThawCluster:
		return is(s.FreezeRemaining == nil, "is not frozen")
	case *meshosv1.AdminEvent_FlushAvoidLists:
		local := k.FlushAvoidLists.GetLocal() == s.GetNode() || k.FlushAvoidLists.GetGlobal()
		return is(local && len(s.GetAvoidList()) == 0, "avoids no peer")
	case *meshosv1.AdminEvent_SetDaemonIntent:
		return daemonNoOp(k.SetDaemonIntent, s)
	case *meshosv1.AdminEvent_SetPlacement:
		return placementNoOp(k.SetPlacement, s)
	case *meshosv1.AdminEvent_SetLocalReplica:
		return replicaNoOp(k.SetLocalReplica, s)
	case *meshosv1.AdminEvent_DropReplicas:
		return is(!slices.ContainsFunc(k.DropReplicas.GetChains(), func(chain uint64) bool {
			return replicaNoOp(&meshosv1.SetLocalReplica{Chain: chain, Intent: meshosv1.LocalReplicaIntent_INTENT_DROP}, s) == ""
		}), "is to drop them already")
	case *meshosv1.AdminEvent_ForceEvictReplica:
		return is(!holds(s, k.ForceEvictReplica.GetChain(), k.ForceEvictReplica.GetVictim(), true),
			fmt.Sprintf("knows that node %d does not hold chain %d", k.ForceEvictReplica.GetVictim(), k.ForceEvictReplica.GetChain()))
	case *meshosv1.AdminEvent_ForceCutover:
		return is(holds(s, k.ForceCutover.GetChain(), k.ForceCutover.GetTarget(), false),
			fmt.Sprintf("knows that node %d holds chain %d already", k.ForceCutover.GetTarget(), k.ForceCutover.GetChain()))
	case *meshosv1.AdminEvent_KillMigration:
		return is(!slices.ContainsFunc(s.GetInFlightMigrations(), func(m *meshosv1.MigrationView) bool {
			return m.GetMigration() == k.KillMigration.GetMigration()
		}), fmt.Sprintf("knows no running migration %d", k.KillMigration.GetMigration()))
	}
	return ""
}

// holds reports whether a node holds a chain; for a chain that is not known it returns unknown.
func holds(s *meshosv1.Snapshot, chain, node uint64, unknown bool) bool {
	if r := replica(s, chain); r != nil {
		return slices.Contains(r.GetHolders(), node)
	}
	return unknown
}

// replica returns what a node knows of a chain; nil if it does not know it.
func replica(s *meshosv1.Snapshot, chain uint64) *meshosv1.ReplicaView {
	i := slices.IndexFunc(s.GetReplicas(), func(r *meshosv1.ReplicaView) bool { return r.GetChain() == chain })
	if i < 0 {
		return nil
	}
	return s.GetReplicas()[i]
}

// daemonNoOp is NoOp for orders about daemons. An order that repeats what the configuration
// says changes nothing: it holds until the configuration says something else.
func daemonNoOp(order *meshosv1.SetDaemonIntent, s *meshosv1.Snapshot) string {
	i := slices.IndexFunc(s.GetDaemons(), func(d *meshosv1.DaemonView) bool {
		return d.GetDaemon().GetId() == order.GetDaemon().GetId()
	})
	if i < 0 {
		return ""
	}
	d := s.GetDaemons()[i]
	name := "daemon " + Daemon(d.GetDaemon())
	switch {
	case order.GetIntent() == meshosv1.DaemonIntent_INTENT_UNSPECIFIED:
		if d.Ordered == nil {
			return "nothing is ordered about " + name
		}
		return ""
	case order.GetIntent() != d.GetIntent():
		return ""
	case d.GetIntent() == meshosv1.DaemonIntent_INTENT_STOP:
		if d.GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_STOPPED {
			return name + " is stopped already"
		}
		return name + " is being stopped already"
	}
	switch d.GetLifecycle() {
	case meshosv1.DaemonView_LIFECYCLE_RUNNING:
		return name + " runs already"
	case meshosv1.DaemonView_LIFECYCLE_STARTING:
		return name + " is being started already"
	}
	return fmt.Sprintf("%s is to run already; meshos explain daemon %d says why it does not", name, d.GetDaemon().GetId())
}

// placementNoOp is NoOp for orders how many replicas a chain should have.
func placementNoOp(order *meshosv1.SetPlacement, s *meshosv1.Snapshot) string {
	r := replica(s, order.GetChain())
	switch {
	case r == nil:
	case order.DesiredReplicas == nil && r.Ordered == nil:
		return fmt.Sprintf("nothing is ordered about the replicas of chain %d", order.GetChain())
	case order.DesiredReplicas != nil && r.Desired != nil && order.GetDesiredReplicas() == r.GetDesired():
		return fmt.Sprintf("chain %d is to have %s already", order.GetChain(), Counted(int(r.GetDesired()), "replica"))
	}
	return ""
}

// replicaNoOp is NoOp for orders whether the node should hold a chain.
func replicaNoOp(order *meshosv1.SetLocalReplica, s *meshosv1.Snapshot) string {
	r, node := replica(s, order.GetChain()), s.GetNode()
	switch {
	case r == nil:
	case order.GetIntent() == meshosv1.LocalReplicaIntent_INTENT_UNSPECIFIED:
		if r.LocalOrdered == nil {
			return fmt.Sprintf("nothing is ordered about the replica of chain %d on node %d", order.GetChain(), node)
		}
	case order.GetIntent() != r.GetLocalIntent():
	case order.GetIntent() == meshosv1.LocalReplicaIntent_INTENT_HOLD:
		return fmt.Sprintf("node %d is to hold chain %d already", node, order.GetChain())
	default:
		return fmt.Sprintf("node %d is to drop chain %d already", node, order.GetChain())
	}
	return ""
}

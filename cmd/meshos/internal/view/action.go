package view

import (
	"fmt"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// action returns what an action is about: "chain 7 from node 2".
func action(a *meshosv1.Action) string {
	switch k := a.GetKind().(type) {
	case *meshosv1.Action_StartDaemon:
		return "daemon " + Daemon(k.StartDaemon.GetDaemon())
	case *meshosv1.Action_StopDaemon:
		return fmt.Sprintf("daemon %s within %s: %s", Daemon(k.StopDaemon.GetDaemon()),
			span(k.StopDaemon.GetGrace()), Plain(k.StopDaemon.GetReason()))
	case *meshosv1.Action_AskReload:
		return "daemon " + Daemon(k.AskReload.GetDaemon())
	case *meshosv1.Action_SendSignal:
		return Plain(k.SendSignal.GetSignal()) + " to daemon " + Daemon(k.SendSignal.GetDaemon())
	case *meshosv1.Action_PullReplica:
		return fmt.Sprintf("chain %d from node %d", k.PullReplica.GetChain(), k.PullReplica.GetSource())
	case *meshosv1.Action_DropReplica:
		return fmt.Sprintf("chain %d", k.DropReplica.GetChain())
	case *meshosv1.Action_RequestPlacement:
		words := fmt.Sprintf("chain %d", k.RequestPlacement.GetChain())
		if k.RequestPlacement.Target != nil {
			words += fmt.Sprintf(" on node %d", k.RequestPlacement.GetTarget())
		}
		return words + ", not on " + idsOf(k.RequestPlacement.GetExclude())
	case *meshosv1.Action_TransferLeader:
		return fmt.Sprintf("chain %d to node %d", k.TransferLeader.GetChain(), k.TransferLeader.GetTo())
	case *meshosv1.Action_RequestEviction:
		return fmt.Sprintf("chain %d from node %d", k.RequestEviction.GetChain(), k.RequestEviction.GetVictim())
	case *meshosv1.Action_MigrateBlob:
		return fmt.Sprintf("blob %d from node %d to node %d", k.MigrateBlob.GetBlob(), k.MigrateBlob.GetFrom(), k.MigrateBlob.GetTo())
	case *meshosv1.Action_ReduceHeat:
		return fmt.Sprintf("blob %d by %d", k.ReduceHeat.GetBlob(), k.ReduceHeat.GetBy())
	case *meshosv1.Action_MarkAvoid:
		return fmt.Sprintf("peer %d for %s: %s", k.MarkAvoid.GetPeer(), span(k.MarkAvoid.GetTtl()), Plain(k.MarkAvoid.GetReason()))
	case *meshosv1.Action_ApplyBackoff:
		words := "daemon " + Daemon(k.ApplyBackoff.GetDaemon())
		if left := k.ApplyBackoff.GetRemaining(); left.AsDuration() > 0 { // as of the snapshot
			return words + ", for another " + span(left)
		}
		return words + ", over"
	case *meshosv1.Action_CommitMaintenanceTransition:
		words := Phase(k.CommitMaintenanceTransition.GetTarget())
		if reason := k.CommitMaintenanceTransition.GetReason(); reason != "" {
			words += ": " + Plain(reason)
		}
		return words
	}
	return ""
}

// Phase returns the word for a phase of maintenance.
func Phase(p meshosv1.MaintenancePhase) string {
	return enumWord(p.String(), "MAINTENANCE_PHASE_")
}

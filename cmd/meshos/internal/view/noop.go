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
	case *meshosv1.AdminEvent_KillMigration:
		return is(!slices.ContainsFunc(s.GetInFlightMigrations(), func(m *meshosv1.MigrationView) bool {
			return m.GetMigration() == k.KillMigration.GetMigration()
		}), fmt.Sprintf("knows no running migration %d", k.KillMigration.GetMigration()))
	}
	return ""
}

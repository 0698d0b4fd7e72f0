package cluster

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
)

// carryOut folds what a command says that counts so far: unless it does not fit who belongs to
// the mesh, or the mesh is frozen.
func (s *State) carryOut(ev mesh.AdminEvent, out *Outcome) *rules.Rejection {
	if !ev.BreakGlass() && s.frozenUntil.After(s.at) {
		return rules.Reject(mesh.RejectFrozen, "the cluster is frozen for another %s", s.frozenUntil.Sub(s.at).Round(time.Millisecond))
	}
	switch ev := ev.(type) {
	case mesh.AdmitNode:
		return s.admit(ev, out)
	case mesh.ExpelNode:
		return s.expel(ev, out)
	case mesh.SetSigners:
		return s.setSigners(ev, out)
	case mesh.Checkpoint:
		return s.setCheckpoint(ev, out)
	case mesh.AcknowledgeRecovery:
		return s.acknowledge()
	case mesh.SetChain:
		if wrong := s.unfitChain(ev); wrong != nil {
			return wrong
		}
		out.Chains = true
	case mesh.FreezeCluster:
		s.frozenUntil = s.at.Add(ev.TTL)
	case mesh.ThawCluster:
		s.frozenUntil = time.Time{}
	case mesh.ForceRestartDaemon:
		if ev.Node == 0 {
			return rules.Reject(KindUnknown, "daemons have other ids on other nodes: the command has to name the node of daemon %s", ev.Daemon)
		}
	}
	if node := Target(ev); node != 0 {
		if _, is := s.members[node]; !is {
			return rules.Reject(KindUnknown, "node %d is no member of the mesh; `meshos nodes` lists the members", node)
		}
	}
	s.note(ev, out)
	return nil
}

// Target returns the node on which a command acts, 0 for one that acts on several.
func Target(ev mesh.AdminEvent) mesh.NodeID {
	switch ev := ev.(type) {
	case mesh.EnterMaintenance:
		return ev.Node
	case mesh.ExitMaintenance:
		return ev.Node
	case mesh.Drain:
		return ev.Node
	case mesh.Cordon:
		return ev.Node
	case mesh.Uncordon:
		return ev.Node
	case mesh.RestartAllDaemons:
		return ev.Node
	case mesh.ClearAvoidList:
		return ev.Node
	case mesh.DropReplicas:
		return ev.Node
	case mesh.InvalidatePlacement:
		return ev.Node
	case mesh.SetDaemonIntent:
		return ev.Node
	case mesh.SetPlacement:
		return ev.Node
	case mesh.SetLocalReplica:
		return ev.Node
	case mesh.StopNode:
		return ev.Node
	case mesh.RestartDaemon:
		return ev.Node
	case mesh.ReloadDaemon:
		return ev.Node
	case mesh.SignalDaemon:
		return ev.Node
	case mesh.ForceRestartDaemon:
		return ev.Node
	case mesh.KillMigration:
		return ev.Node
	}
	return 0
}

// Momentary reports whether a command does something once, instead of saying what holds from
// then on. One that comes to a node later than the commands of the mesh are fresh is recorded
// there and not carried out.
func Momentary(ev mesh.AdminEvent) bool {
	switch ev.(type) {
	case mesh.RestartAllDaemons, mesh.ClearAvoidList, mesh.InvalidatePlacement, mesh.StopNode, mesh.RestartDaemon, mesh.ReloadDaemon,
		mesh.SignalDaemon, mesh.FlushAvoidLists, mesh.ForceEvictReplica, mesh.ForceRestartDaemon, mesh.ForceCutover, mesh.KillMigration:
		return true
	}
	return false
}

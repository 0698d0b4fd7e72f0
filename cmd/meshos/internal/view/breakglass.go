package view

import (
	"encoding/hex"
	"fmt"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// breakGlassTitle names a break-glass command and its subject.
func breakGlassTitle(e *meshosv1.AdminEvent) string {
	switch k := e.GetKind().(type) {
	case *meshosv1.AdminEvent_FreezeCluster:
		return "freeze the cluster for " + span(k.FreezeCluster.GetTtl())
	case *meshosv1.AdminEvent_ThawCluster:
		return "thaw the cluster"
	case *meshosv1.AdminEvent_FlushAvoidLists:
		switch scope := k.FlushAvoidLists.GetScope().(type) {
		case *meshosv1.FlushAvoidLists_Local:
			return fmt.Sprintf("empty the avoid list of node %d", scope.Local)
		case *meshosv1.FlushAvoidLists_OnPeer:
			return fmt.Sprintf("remove node %d from all avoid lists", scope.OnPeer)
		}
		return "empty all avoid lists"
	case *meshosv1.AdminEvent_ForceEvictReplica:
		return fmt.Sprintf("evict chain %d from node %d", k.ForceEvictReplica.GetChain(), k.ForceEvictReplica.GetVictim())
	case *meshosv1.AdminEvent_ForceRestartDaemon:
		if node := k.ForceRestartDaemon.GetNode(); node != 0 {
			return fmt.Sprintf("restart daemon %s of node %d", Daemon(k.ForceRestartDaemon.GetDaemon()), node)
		}
		return "restart daemon " + Daemon(k.ForceRestartDaemon.GetDaemon())
	case *meshosv1.AdminEvent_ForceCutover:
		return fmt.Sprintf("place chain %d on node %d", k.ForceCutover.GetChain(), k.ForceCutover.GetTarget())
	case *meshosv1.AdminEvent_KillMigration:
		return fmt.Sprintf("kill migration %d", k.KillMigration.GetMigration())
	case *meshosv1.AdminEvent_ExpelNode:
		return fmt.Sprintf("expel node %d from the mesh", k.ExpelNode.GetNode())
	case *meshosv1.AdminEvent_SetSigners:
		return "replace who may command the mesh"
	case *meshosv1.AdminEvent_Checkpoint:
		return fmt.Sprintf("make a checkpoint of the log of the mesh at height %d, where it leads to %x", k.Checkpoint.GetHeight(), short(k.Checkpoint.GetAdminState()))
	}
	return "a command that this version does not know"
}

// Reach says which node a freeze or a thaw has reached and which not, as long as each node is
// asked by itself; "" for any other command, and for a node without peers.
func Reach(e *meshosv1.AdminEvent, s *meshosv1.Snapshot) string {
	if s.GetMesh().GetHeight() > 0 {
		return "" // it reaches all
	}
	done, not := "is frozen", "is not frozen"
	switch e.GetKind().(type) {
	case *meshosv1.AdminEvent_FreezeCluster:
	case *meshosv1.AdminEvent_ThawCluster:
		done, not = "is not frozen any more", "stays as it was"
	default:
		return ""
	}
	here := Daemon(&meshosv1.DaemonRef{Id: s.GetNode(), Name: s.GetInfo().GetName()})
	var others []string
	for _, p := range s.GetPeers() {
		if p.GetPeer() != s.GetNode() {
			others = append(others, Daemon(&meshosv1.DaemonRef{Id: p.GetPeer(), Name: p.GetName()}))
		}
	}
	const shown = 20
	nodes, it := "Node ", "it"
	switch {
	case len(others) == 0:
		return ""
	case len(others) > 1:
		nodes, it, not = "Nodes ", "each of them", strings.Replace(strings.Replace(not, "is ", "are ", 1), "stays as it was", "stay as they were", 1)
	}
	if more := len(others) - shown; more > 0 {
		others = append(others[:shown], fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("Node %s %s. %s%s %s: send the command to %s, too.\n", here, done, nodes, strings.Join(others, ", "), not, it)
}

// BlastRadius shows what a break-glass command would affect, as one node sees it.
func (p Printer) BlastRadius(b *meshosv1.BlastRadius, hash []byte) string {
	var out strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&out, "  %-9s %s\n", name, p.Color.Apply(Bad, value))
		}
	}
	out.WriteString(p.Color.Apply(Strong, "Blast radius") + "\n")
	row("nodes", idsOr(b.GetAffectedNodes(), ""))
	row("chains", idsOr(b.GetAffectedReplicas(), ""))
	daemons := daemonNames(b)
	row("daemons", daemons)
	if b.EstimatedDrainDelay != nil {
		row("delay", "up to "+span(b.GetEstimatedDrainDelay()))
	}
	if churn := b.GetPlacementStabilityDelta(); churn != 0 {
		row("churn", fmt.Sprintf("%.2f on a scale from 0 to 1", churn))
	}
	if len(b.GetAffectedNodes()) == 0 && len(b.GetAffectedReplicas()) == 0 && daemons == "" {
		out.WriteString("  nothing that this node knows of\n")
	}
	for _, w := range b.GetWarnings() {
		out.WriteString("  " + p.Color.Apply(Bad, "! "+Plain(w.GetDetail())) + "\n")
		out.WriteString("    " + p.Color.Apply(Faint, Plain(w.GetKind())) + "\n")
	}
	fmt.Fprintf(&out, "  %-9s %s\n", "hash", hex.EncodeToString(hash))
	return out.String()
}

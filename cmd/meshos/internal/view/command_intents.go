package view

import (
	"fmt"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// intentTitle is Title for the commands that take precedence over the configuration; "" for
// all others.
func intentTitle(e *meshosv1.AdminEvent) string {
	switch k := e.GetKind().(type) {
	case *meshosv1.AdminEvent_SetDaemonIntent:
		daemon, node := Daemon(k.SetDaemonIntent.GetDaemon()), k.SetDaemonIntent.GetNode()
		switch k.SetDaemonIntent.GetIntent() {
		case meshosv1.DaemonIntent_INTENT_RUN:
			return fmt.Sprintf("run daemon %s on node %d", daemon, node)
		case meshosv1.DaemonIntent_INTENT_STOP:
			return fmt.Sprintf("stop daemon %s on node %d", daemon, node)
		}
		return fmt.Sprintf("return daemon %s on node %d to its configuration", daemon, node)
	case *meshosv1.AdminEvent_SetPlacement:
		chain, node := k.SetPlacement.GetChain(), k.SetPlacement.GetNode()
		if k.SetPlacement.DesiredReplicas == nil {
			return fmt.Sprintf("return the replicas of chain %d to the configuration of node %d", chain, node)
		}
		return fmt.Sprintf("ask for %s of chain %d on node %d", Counted(int(k.SetPlacement.GetDesiredReplicas()), "replica"), chain, node)
	case *meshosv1.AdminEvent_SetLocalReplica:
		chain, node := k.SetLocalReplica.GetChain(), k.SetLocalReplica.GetNode()
		switch k.SetLocalReplica.GetIntent() {
		case meshosv1.LocalReplicaIntent_INTENT_HOLD:
			return fmt.Sprintf("hold chain %d on node %d", chain, node)
		case meshosv1.LocalReplicaIntent_INTENT_DROP:
			return fmt.Sprintf("drop chain %d on node %d", chain, node)
		}
		return fmt.Sprintf("return the replica of chain %d on node %d to its configuration", chain, node)
	}
	return ""
}

// intentEffect is effect for the same commands.
func intentEffect(e *meshosv1.AdminEvent) []string {
	until := "The order outlives restarts. It holds until the configuration's own value changes."
	switch k := e.GetKind().(type) {
	case *meshosv1.AdminEvent_SetDaemonIntent:
		switch k.SetDaemonIntent.GetIntent() {
		case meshosv1.DaemonIntent_INTENT_RUN:
			return []string{"The daemon is started and kept running, unless the node is being evacuated.", until}
		case meshosv1.DaemonIntent_INTENT_STOP:
			return []string{"The daemon is stopped and stays stopped.", until}
		}
		return []string{"What was ordered about the daemon is forgotten; its configuration applies again."}
	case *meshosv1.AdminEvent_SetPlacement:
		if k.SetPlacement.DesiredReplicas == nil {
			return []string{"What was ordered is forgotten; the node's configuration applies again."}
		}
		return []string{"While the node leads the chain it places and evicts replicas until there are so many.", until}
	case *meshosv1.AdminEvent_SetLocalReplica:
		switch k.SetLocalReplica.GetIntent() {
		case meshosv1.LocalReplicaIntent_INTENT_HOLD:
			return []string{"The node pulls a replica if it has none, and keeps it.", until}
		case meshosv1.LocalReplicaIntent_INTENT_DROP:
			return []string{"The node drops its replica once enough other nodes hold the chain.", until}
		}
		return []string{"What was ordered is forgotten; the node's configuration applies again."}
	}
	return nil
}

// orderTitle names an order that is an event and no command: "stop daemon 3 (demo)". It is ""
// for an event that says it by its kind.
func orderTitle(e *meshosv1.Event) string {
	switch k := e.GetKind().(type) {
	case *meshosv1.Event_DaemonIntent:
		what := "run daemon "
		if k.DaemonIntent.GetIntent() == meshosv1.DaemonIntent_INTENT_STOP {
			what = "stop daemon "
		}
		return what + Daemon(k.DaemonIntent.GetDaemon())
	case *meshosv1.Event_PlacementIntent:
		return fmt.Sprintf("%s of chain %d", Counted(int(k.PlacementIntent.GetDesiredReplicas()), "replica"), k.PlacementIntent.GetChain())
	case *meshosv1.Event_LocalReplicaIntent:
		what := "hold chain "
		if k.LocalReplicaIntent.GetIntent() == meshosv1.LocalReplicaIntent_INTENT_DROP {
			what = "drop chain "
		}
		return what + idOf(k.LocalReplicaIntent.GetChain())
	}
	return ""
}

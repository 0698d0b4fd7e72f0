package view

import (
	"fmt"
	"slices"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Command shows what a command of an operator will do. With a snapshot of the node that the
// command is sent to, it also shows what the command will change there.
func (p Printer) Command(e *meshosv1.AdminEvent, s *meshosv1.Snapshot) string {
	var b strings.Builder
	b.WriteString(p.Color.Apply(Strong, Sentence(commandTitle(e))) + "\n")
	for _, line := range effect(e) {
		b.WriteString("  " + line + "\n")
	}
	if s != nil {
		for _, line := range present(e, s) {
			b.WriteString("  " + p.Color.Apply(Warning, line) + "\n")
		}
	}
	return b.String()
}

// Sentence returns text with its first letter capitalized.
func Sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// commandTitle names a command and its subject: "drain node 1 within 10m".
func commandTitle(e *meshosv1.AdminEvent) string {
	onNode := func(what string, t *meshosv1.NodeTarget) string { return fmt.Sprintf("%s node %d", what, t.GetNode()) }
	switch k := e.GetKind().(type) {
	case *meshosv1.AdminEvent_EnterMaintenance:
		title := fmt.Sprintf("enter maintenance on node %d", k.EnterMaintenance.GetNode())
		if k.EnterMaintenance.DrainFor != nil {
			title += " within " + span(k.EnterMaintenance.GetDrainFor())
		}
		return title
	case *meshosv1.AdminEvent_ExitMaintenance:
		return onNode("exit maintenance on", k.ExitMaintenance)
	case *meshosv1.AdminEvent_Drain:
		title := fmt.Sprintf("drain node %d", k.Drain.GetNode())
		if d := k.Drain.GetDrainFor(); d.AsDuration() > 0 {
			title += " within " + span(d)
		}
		return title
	case *meshosv1.AdminEvent_Cordon:
		return onNode("cordon", k.Cordon)
	case *meshosv1.AdminEvent_Uncordon:
		return onNode("uncordon", k.Uncordon)
	case *meshosv1.AdminEvent_RestartAllDaemons:
		return onNode("restart all daemons of", k.RestartAllDaemons)
	case *meshosv1.AdminEvent_ClearAvoidList:
		return onNode("clear the avoid list of", k.ClearAvoidList)
	case *meshosv1.AdminEvent_DropReplicas:
		return fmt.Sprintf("drop the replicas of %s on node %d", chainsWord(k.DropReplicas.GetChains()), k.DropReplicas.GetNode())
	case *meshosv1.AdminEvent_InvalidatePlacement:
		return onNode("invalidate the placement scores of", k.InvalidatePlacement)
	case *meshosv1.AdminEvent_StopNode:
		return onNode("end the process of", k.StopNode)
	case *meshosv1.AdminEvent_RestartDaemon:
		return fmt.Sprintf("restart daemon %s on node %d", Daemon(k.RestartDaemon.GetDaemon()), k.RestartDaemon.GetNode())
	case *meshosv1.AdminEvent_ReloadDaemon:
		return fmt.Sprintf("reload daemon %s on node %d", Daemon(k.ReloadDaemon.GetDaemon()), k.ReloadDaemon.GetNode())
	case *meshosv1.AdminEvent_SignalDaemon:
		return fmt.Sprintf("send %s to daemon %s on node %d", Plain(k.SignalDaemon.GetSignal()), Daemon(k.SignalDaemon.GetDaemon()), k.SignalDaemon.GetNode())
	}
	if k := e.GetAdmitNode(); k != nil {
		what := fmt.Sprintf("admit node %d to the mesh", k.GetNode())
		if len(k.GetTokenKey()) > 0 {
			what = fmt.Sprintf("make a token with which a machine becomes node %d of the mesh", k.GetNode())
		}
		if k.GetReplace() {
			what += ", in place of the one that has the id"
		}
		return what
	}
	if e.GetAcknowledgeRecovery() != nil {
		return "acknowledge that the seeds replaced who may command the mesh"
	}
	if title := chainTitle(e); title != "" {
		return title
	}
	if title := intentTitle(e); title != "" {
		return title
	}
	return breakGlassTitle(e)
}

// targetNode returns the node that an ordinary command acts on, 0 for any other command.
func targetNode(e *meshosv1.AdminEvent) uint64 {
	switch k := e.GetKind().(type) {
	case *meshosv1.AdminEvent_EnterMaintenance:
		return k.EnterMaintenance.GetNode()
	case *meshosv1.AdminEvent_ExitMaintenance:
		return k.ExitMaintenance.GetNode()
	case *meshosv1.AdminEvent_Drain:
		return k.Drain.GetNode()
	case *meshosv1.AdminEvent_Cordon:
		return k.Cordon.GetNode()
	case *meshosv1.AdminEvent_Uncordon:
		return k.Uncordon.GetNode()
	case *meshosv1.AdminEvent_RestartAllDaemons:
		return k.RestartAllDaemons.GetNode()
	case *meshosv1.AdminEvent_ClearAvoidList:
		return k.ClearAvoidList.GetNode()
	case *meshosv1.AdminEvent_DropReplicas:
		return k.DropReplicas.GetNode()
	case *meshosv1.AdminEvent_InvalidatePlacement:
		return k.InvalidatePlacement.GetNode()
	case *meshosv1.AdminEvent_SetDaemonIntent:
		return k.SetDaemonIntent.GetNode()
	case *meshosv1.AdminEvent_SetPlacement:
		return k.SetPlacement.GetNode()
	case *meshosv1.AdminEvent_SetLocalReplica:
		return k.SetLocalReplica.GetNode()
	case *meshosv1.AdminEvent_StopNode:
		return k.StopNode.GetNode()
	case *meshosv1.AdminEvent_RestartDaemon:
		return k.RestartDaemon.GetNode()
	case *meshosv1.AdminEvent_ReloadDaemon:
		return k.ReloadDaemon.GetNode()
	case *meshosv1.AdminEvent_SignalDaemon:
		return k.SignalDaemon.GetNode()
	}
	return 0
}

// effect returns lines of sentences about what an ordinary command does.
func effect(e *meshosv1.AdminEvent) []string {
	switch e.GetKind().(type) {
	case *meshosv1.AdminEvent_EnterMaintenance:
		return []string{
			"The node drops its replicas once enough other nodes hold them, stops its daemons except",
			"for the essential ones, and takes no new replicas. When all of that is done it is in",
			"maintenance; if that takes too long, the drain has failed.",
		}
	case *meshosv1.AdminEvent_ExitMaintenance:
		return []string{"The node starts its daemons again, and takes replicas again once the daemons are healthy."}
	case *meshosv1.AdminEvent_Drain:
		return []string{
			"The node is cordoned and stays active. It drops its replicas once enough other nodes hold",
			"them, and stops its daemons except for the essential ones. It stays empty and cordoned",
			"until it is uncordoned.",
		}
	case *meshosv1.AdminEvent_Cordon:
		return []string{
			"The node gets no new replicas, and is the first to lose one if there are too many. The",
			"replicas that it holds and its daemons stay.",
		}
	case *meshosv1.AdminEvent_Uncordon:
		return []string{"The node may get replicas again. If it is being drained, the drain ends."}
	case *meshosv1.AdminEvent_RestartAllDaemons:
		return []string{"The node stops and starts each running daemon. Daemons in backoff start at once."}
	case *meshosv1.AdminEvent_ClearAvoidList:
		return []string{"The node stops avoiding peers. It will avoid a peer again that is still too slow."}
	case *meshosv1.AdminEvent_DropReplicas:
		return []string{"The node drops each replica once enough other nodes hold the chain, and never the last live one."}
	case *meshosv1.AdminEvent_InvalidatePlacement:
		return []string{"The node forgets its scores, and the rebalance cooldown of the chains that it holds."}
	case *meshosv1.AdminEvent_RestartDaemon:
		return []string{
			"The daemon is stopped, if it runs, and started again with its present configuration. One",
			"that waits to be started again starts at once, and its crashes are forgotten.",
		}
	case *meshosv1.AdminEvent_ReloadDaemon:
		return []string{
			"The daemon is asked once, by its reload_signal or its reload_command, to read its own",
			"configuration again. It is not restarted.",
		}
	case *meshosv1.AdminEvent_SignalDaemon:
		return []string{
			"The signal is sent once, to the daemon's main process. If that ends the daemon, it is",
			"started again as after any other end.",
		}
	case *meshosv1.AdminEvent_StopNode:
		return []string{
			"The node's process ends at once. Its daemons go on, and nothing supervises them until",
			"the node is started again.",
		}
	}
	if lines := chainEffect(e); lines != nil {
		return lines
	}
	return intentEffect(e)
}

// present returns what a command will change, as the node that it is sent to sees it now.
func present(e *meshosv1.AdminEvent, s *meshosv1.Snapshot) []string {
	node := targetNode(e)
	if node == 0 {
		return nil
	}
	if node != s.GetNode() && s.GetMesh().GetHeight() > 0 {
		return nil // the order reaches it
	}
	if node != s.GetNode() {
		return []string{fmt.Sprintf(
			"The command is sent to node %d, which only takes note of it. To make node %d act, send it there.", s.GetNode(), node)}
	}
	var lines []string
	switch k := e.GetKind().(type) {
	case *meshosv1.AdminEvent_EnterMaintenance, *meshosv1.AdminEvent_Drain:
		lines = append(lines, "It now holds "+chainsHeld(s)+" and runs "+daemonsRunning(s)+".")
	case *meshosv1.AdminEvent_RestartAllDaemons:
		lines = append(lines, "It now runs "+daemonsRunning(s)+".")
	case *meshosv1.AdminEvent_ClearAvoidList:
		avoided := make([]uint64, 0, len(s.GetAvoidList()))
		for _, one := range s.GetAvoidList() {
			avoided = append(avoided, one.GetPeer())
		}
		lines = append(lines, "It now avoids "+peersWord(avoided)+".")
	case *meshosv1.AdminEvent_DropReplicas:
		for _, chain := range k.DropReplicas.GetChains() {
			if !slices.ContainsFunc(s.GetReplicas(), func(r *meshosv1.ReplicaView) bool {
				return r.GetChain() == chain && slices.Contains(r.GetHolders(), node)
			}) {
				lines = append(lines, fmt.Sprintf("It does not hold chain %d.", chain))
			}
		}
	}
	if freeze := s.GetFreezeRemaining(); freeze != nil {
		lines = append(lines, "The cluster is frozen for another "+span(freeze)+": the node will reject the command.")
	}
	return lines
}

func chainsHeld(s *meshosv1.Snapshot) string {
	var held []uint64
	for _, r := range s.GetReplicas() {
		if slices.Contains(r.GetHolders(), s.GetNode()) {
			held = append(held, r.GetChain())
		}
	}
	if len(held) == 0 {
		return "no chain"
	}
	return chainsWord(held)
}

func chainsWord(ids []uint64) string {
	if len(ids) == 1 {
		return "chain " + idOf(ids[0])
	}
	return "chains " + idsOf(ids)
}

func peersWord(ids []uint64) string {
	switch len(ids) {
	case 0:
		return "no peer"
	case 1:
		return "peer " + idOf(ids[0])
	}
	return "peers " + idsOf(ids)
}

func daemonsRunning(s *meshosv1.Snapshot) string {
	var running []string
	for _, d := range s.GetDaemons() {
		if d.GetLifecycle() != meshosv1.DaemonView_LIFECYCLE_STOPPED {
			running = append(running, Daemon(d.GetDaemon()))
		}
	}
	if len(running) == 0 {
		return "no daemon"
	}
	if len(running) == 1 {
		return "daemon " + running[0]
	}
	return "daemons " + strings.Join(running, ", ")
}

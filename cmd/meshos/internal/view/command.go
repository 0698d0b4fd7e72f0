package view

import (
	"fmt"
	"slices"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Command shows what a command of an operator will do and, if there is a snapshot of the
// node that is asked, what it will change there.
func (p Printer) Command(e *meshosv1.AdminEvent, s *meshosv1.Snapshot) string {
	var b strings.Builder
	b.WriteString(p.Color.Apply(Strong, Sentence(Title(e))) + "\n")
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

// Sentence returns text with a capital as its first letter.
func Sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// Title names a command and its subject: "drain node 1 within 10m".
func Title(e *meshosv1.AdminEvent) string {
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
	}
	return breakGlassTitle(e)
}

// targetNode is the node that an ordinary command is about, 0 for none.
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
	}
	return 0
}

// effect says what a command will do, in sentences, one a line.
func effect(e *meshosv1.AdminEvent) []string {
	switch e.GetKind().(type) {
	case *meshosv1.AdminEvent_EnterMaintenance:
		return []string{
			"Its replicas are dropped once enough other nodes hold them, its daemons stop but for",
			"the essential ones, and nothing is pulled or placed there. When all that is done it is",
			"in maintenance; if it is not in time, the drain has failed.",
		}
	case *meshosv1.AdminEvent_ExitMaintenance:
		return []string{"Its daemons start again, and once they are well it takes replicas again."}
	case *meshosv1.AdminEvent_Drain:
		return []string{
			"It is cordoned and stays active. Its replicas are dropped once enough other nodes hold",
			"them, and its daemons stop but for the essential ones. It stays empty and cordoned",
			"until it is uncordoned.",
		}
	case *meshosv1.AdminEvent_Cordon:
		return []string{"No replica is placed there any more, and it is the first to lose one. What it holds and", "runs stays for now."}
	case *meshosv1.AdminEvent_Uncordon:
		return []string{"Replicas may be placed there again. A drain of it ends."}
	case *meshosv1.AdminEvent_RestartAllDaemons:
		return []string{"Each running daemon stops and starts again, and none waits for its backoff any more."}
	case *meshosv1.AdminEvent_ClearAvoidList:
		return []string{"It stops avoiding peers. One that is still too slow is avoided again."}
	case *meshosv1.AdminEvent_DropReplicas:
		return []string{"Each is dropped as soon as enough other nodes hold the chain; the last live one never is."}
	case *meshosv1.AdminEvent_InvalidatePlacement:
		return []string{"Its scores and the rebalance cooldown of the chains it holds are forgotten."}
	}
	return nil
}

// present says what is there now that a command will change, as the asked node
// sees it; "" for nothing to tell.
func present(e *meshosv1.AdminEvent, s *meshosv1.Snapshot) []string {
	node := targetNode(e)
	if node == 0 {
		return nil
	}
	if node != s.GetNode() {
		return []string{fmt.Sprintf(
			"Node %d is asked: it takes note. Node %d acts on it when it is given the command itself.", s.GetNode(), node)}
	}
	var lines []string
	switch k := e.GetKind().(type) {
	case *meshosv1.AdminEvent_EnterMaintenance, *meshosv1.AdminEvent_Drain:
		lines = append(lines, "Held there: "+chainsHeld(s)+". Running there: "+daemonsRunning(s)+".")
	case *meshosv1.AdminEvent_RestartAllDaemons:
		lines = append(lines, "Running there: "+daemonsRunning(s)+".")
	case *meshosv1.AdminEvent_ClearAvoidList:
		avoided := make([]uint64, 0, len(s.GetAvoidList()))
		for _, one := range s.GetAvoidList() {
			avoided = append(avoided, one.GetPeer())
		}
		lines = append(lines, "Avoided now: "+idsOr(avoided, "nobody")+".")
	case *meshosv1.AdminEvent_DropReplicas:
		for _, chain := range k.DropReplicas.GetChains() {
			if !slices.ContainsFunc(s.GetReplicas(), func(r *meshosv1.ReplicaView) bool {
				return r.GetChain() == chain && slices.Contains(r.GetHolders(), node)
			}) {
				lines = append(lines, fmt.Sprintf("Chain %d is not held there.", chain))
			}
		}
	}
	if freeze := s.GetFreezeRemaining(); freeze != nil {
		lines = append(lines, "The cluster is frozen for another "+span(freeze)+": the node will refuse this.")
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

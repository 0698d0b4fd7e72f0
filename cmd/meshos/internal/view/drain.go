package view

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// DrainItem is something on a node that keeps its drain from ending.
type DrainItem struct {
	Name   string // "chain 7", as the node calls it
	Why    string // why it is still there
	Waited time.Duration
}

// DrainItems lists what a node still has to get rid of, with the reasons that can be
// found in the snapshot. Waited is left for the caller to fill.
func DrainItems(s *meshosv1.Snapshot) []DrainItem {
	items := make([]DrainItem, 0, len(s.GetLocalMaintenance().GetWaitingFor()))
	for _, name := range s.GetLocalMaintenance().GetWaitingFor() {
		why := whyLeft(s, name)
		if failed := failedTry(s, name); failed != "" {
			why += " (the last try failed: " + failed + ")"
		}
		items = append(items, DrainItem{Name: Plain(name), Why: why})
	}
	return items
}

// failedTry returns why the newest action about an item failed, or "" if it did not.
func failedTry(s *meshosv1.Snapshot, name string) string {
	var newest *meshosv1.EmittedAction
	for _, e := range s.GetRecentlyEmitted() {
		if about(e.GetAction(), name) && e.GetId() > newest.GetId() {
			newest = e
		}
	}
	if newest == nil {
		return ""
	}
	for _, f := range slices.Backward(s.GetRecentFailures()) {
		if f.GetSource() == fmt.Sprintf("action:%d", newest.GetId()) {
			return Plain(f.GetReason())
		}
	}
	return ""
}

// about reports whether a drain hands out this action to get rid of an item.
func about(a *meshosv1.Action, name string) bool {
	var subject string
	var id uint64
	switch k := a.GetKind().(type) {
	case *meshosv1.Action_DropReplica:
		subject, id = "chain", k.DropReplica.GetChain()
	case *meshosv1.Action_RequestPlacement:
		subject, id = "chain", k.RequestPlacement.GetChain()
	case *meshosv1.Action_StopDaemon:
		subject, id = "daemon", k.StopDaemon.GetDaemon().GetId()
	default:
		return false
	}
	item := fmt.Sprintf("%s %d", subject, id)
	return name == item || strings.HasPrefix(name, item+" ")
}

func whyLeft(s *meshosv1.Snapshot, name string) string {
	kind, rest, _ := strings.Cut(name, " ")
	number, _, _ := strings.Cut(rest, " ")
	id, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return "still there"
	}
	switch kind {
	case "chain":
		for _, r := range s.GetReplicas() {
			if r.GetChain() == id {
				return whyChainLeft(s, r)
			}
		}
	case "daemon":
		for _, d := range s.GetDaemons() {
			if d.GetDaemon().GetId() == id {
				return whyDaemonLeft(d)
			}
		}
	}
	return "still there"
}

func whyChainLeft(s *meshosv1.Snapshot, r *meshosv1.ReplicaView) string {
	var others, dead []uint64
	for _, holder := range r.GetHolders() {
		switch {
		case holder == s.GetNode():
		case unreachable(s, holder):
			dead = append(dead, holder)
		default:
			others = append(others, holder)
		}
	}
	want := max(1, int(r.GetDesired()))
	if len(others) >= want {
		return "it is held by " + nodesWord(others) + ", and the replica here is being dropped"
	}
	words := fmt.Sprintf("it has %d of the %d other holders that it needs", len(others), want)
	if len(others) == 0 {
		words = "no other node holds it"
	}
	if len(dead) > 0 {
		words += ", " + nodesWord(dead) + " can't be reached"
	}
	switch r.GetLeader() {
	case 0:
		words += ", and it has no known leader that could place it"
	case s.GetNode():
		words += ", this node requests a placement"
	default:
		words += fmt.Sprintf(", node %d has to place it", r.GetLeader())
	}
	return words
}

func unreachable(s *meshosv1.Snapshot, node uint64) bool {
	return slices.ContainsFunc(s.GetPeers(), func(p *meshosv1.PeerView) bool {
		return p.GetPeer() == node && p.GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE
	})
}

func nodesWord(ids []uint64) string {
	if len(ids) == 1 {
		return "node " + idOf(ids[0])
	}
	return "nodes " + idsOf(ids)
}

func whyDaemonLeft(d *meshosv1.DaemonView) string {
	switch d.GetLifecycle() {
	case meshosv1.DaemonView_LIFECYCLE_STOPPING:
		return "its process has not ended yet"
	case meshosv1.DaemonView_LIFECYCLE_STARTING:
		return "it is starting"
	case meshosv1.DaemonView_LIFECYCLE_RUNNING:
		if d.GetWaiting() != "" {
			return "it is running and " + Plain(d.GetWaiting())
		}
		return "it is running and will be stopped next"
	}
	return "it has stopped"
}

// DrainLine shows what is left in one line.
func DrainLine(s *meshosv1.Snapshot, items []DrainItem) string {
	line := "nothing is left; waiting for the node to confirm it"
	if len(items) > 0 {
		parts := make([]string, len(items))
		for i, item := range items {
			parts[i] = item.Name + ": " + item.Why
		}
		line = "left: " + strings.Join(parts, "; ")
	}
	if s.FreezeRemaining != nil {
		line = "frozen; " + line
	}
	return line
}

// Drain shows a page for a terminal with what is left; what names the drain. At most
// shown items are listed.
func (p Printer) Drain(what string, s *meshosv1.Snapshot, items []DrainItem, shown int) string {
	local := s.GetLocalMaintenance()
	var b strings.Builder
	fmt.Fprintf(&b, "%s for %s: %s left", p.Color.Apply(Strong, what), span(local.GetSince()), Counted(len(items), "item"))
	if local.Deadline != nil {
		b.WriteString(", " + leftOf(local.GetDeadline().AsDuration()))
	}
	b.WriteString("\n")
	if s.FreezeRemaining != nil {
		b.WriteString("  " + p.Color.Apply(Warning, "the cluster is frozen for another "+span(s.GetFreezeRemaining())+": nothing changes until then") + "\n")
	}
	for _, item := range items[:min(len(items), shown)] {
		fmt.Fprintf(&b, "  %s  %s, waiting for %s\n", item.Name, item.Why, Seconds(item.Waited.Round(time.Second)))
	}
	if more := len(items) - shown; more > 0 {
		fmt.Fprintf(&b, "  … %d more\n", more)
	}
	return b.String()
}

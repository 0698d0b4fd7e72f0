package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// leftItem is one thing that keeps a drain from ending.
type leftItem struct {
	name   string // "chain 7", as the node has it
	why    string
	waited time.Duration
}

// whatIsLeft says of each thing that a drain waits for what it waits for itself,
// as far as the snapshot tells.
func whatIsLeft(s *meshosv1.Snapshot) []leftItem {
	items := make([]leftItem, 0, len(s.GetLocalMaintenance().GetWaitingFor()))
	for _, name := range s.GetLocalMaintenance().GetWaitingFor() {
		why := whyLeft(s, name)
		if failed := failedTry(s, name); failed != "" {
			why += " (the last try failed: " + failed + ")"
		}
		items = append(items, leftItem{name: plain(name), why: why})
	}
	return items
}

// failedTry says why the newest action about a thing failed, "" if it did not.
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
			return plain(f.GetReason())
		}
	}
	return ""
}

// about says whether an action is one that a drain needs for a thing that is left.
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
	thing := fmt.Sprintf("%s %d", subject, id)
	return name == thing || strings.HasPrefix(name, thing+" ")
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
		return "held by " + nodesWord(others) + ", its replica here is being dropped"
	}
	words := fmt.Sprintf("%d of the %d other holders it needs", len(others), want)
	if len(others) == 0 {
		words = "nobody else holds it"
	}
	if len(dead) > 0 {
		words += ", " + nodesWord(dead) + " can't be reached"
	}
	switch r.GetLeader() {
	case 0:
		words += ", and no leader is known who could place it"
	case s.GetNode():
		words += ", this node asks for a placement"
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
		return "it was just starting"
	case meshosv1.DaemonView_LIFECYCLE_RUNNING:
		return "it runs, its stop comes next"
	}
	return "it has stopped"
}

func leftWords(m *meshosv1.MaintenanceView) string {
	if len(m.GetWaitingFor()) == 0 {
		return "nothing"
	}
	return plain(strings.Join(m.GetWaitingFor(), ", "))
}

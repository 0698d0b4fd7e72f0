package view

import (
	"fmt"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func (p Printer) peers(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "PEERS", columns: []string{"ID", "NAME", "RTT", "HEALTH", "MAINTENANCE", "LOAD", "MEMORY", ""}, empty: "none"}
	avoided := map[uint64]bool{}
	for _, avoid := range s.GetAvoidList() {
		avoided[avoid.GetPeer()] = true
	}
	for _, peer := range s.GetPeers() {
		if peer.GetPeer() == s.GetNode() {
			continue
		}
		var notes []string
		if trouble := peerTrouble(peer); trouble != "" {
			notes = append(notes, trouble)
		}
		if peer.GetCordoned() {
			notes = append(notes, "cordoned")
		}
		if avoided[peer.GetPeer()] {
			notes = append(notes, "avoided")
		}
		load, memory := "-", "-"
		if inventory := peer.GetInventory(); inventory != nil {
			if inventory.CpuLoad_1M != nil {
				load = fmt.Sprintf("%.2f", inventory.GetCpuLoad_1M())
			}
			if inventory.MemUsedBytes != nil && inventory.GetMemTotalBytes() > 0 {
				memory = used(inventory.GetMemUsedBytes(), inventory.GetMemTotalBytes())
			}
		}
		t.add(text(idOf(peer.GetPeer())), text(OrDash(peer.GetName())), text(span(peer.GetRtt())),
			healthCell(peer.GetHealth()), text(Phase(peer.GetMaintenance())),
			text(load), text(memory), cell{text: strings.Join(notes, ", "), style: Warning})
	}
	t.write(b, p.Color)
}

func healthCell(health meshosv1.NodeHealth) cell {
	c := cell{text: enumWord(health.String(), "NODE_HEALTH_")}
	switch health {
	case meshosv1.NodeHealth_NODE_HEALTH_HEALTHY:
		c.style = Good
	case meshosv1.NodeHealth_NODE_HEALTH_DEGRADED:
		c.style = Warning
	case meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE:
		c.style = Bad
	}
	return c
}

func (p Printer) avoidList(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "AVOIDED", columns: []string{"PEER", "LEFT", "REASON", "NOW"}}
	peers := make(map[uint64]*meshosv1.PeerView, len(s.GetPeers()))
	for _, peer := range s.GetPeers() {
		peers[peer.GetPeer()] = peer
	}
	for _, avoid := range s.GetAvoidList() {
		t.add(text(idOf(avoid.GetPeer())), text(span(avoid.GetTtl())), text(avoid.GetReason()),
			text(peerNow(peers[avoid.GetPeer()])))
	}
	t.writeIfAny(b, p.Color)
}

func (p Printer) replicas(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "REPLICAS", columns: []string{"CHAIN", "HOLDERS", "DESIRED", "LEADER"}}
	for _, replica := range s.GetReplicas() {
		desired, leader := "-", "-"
		if replica.Desired != nil {
			desired = number(replica.GetDesired())
			if replica.GetOrdered() != nil {
				desired += ", ordered"
			}
		}
		if replica.Leader != nil {
			leader = idOf(replica.GetLeader())
		}
		t.add(text(idOf(replica.GetChain())), text(idsOf(replica.GetHolders())), text(desired), text(leader))
	}
	t.writeIfAny(b, p.Color)
}

func (p Printer) migrations(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "MIGRATIONS", columns: []string{"ID", "PHASE", "FROM", "TO", "DONE", "FOR", "RETRIES"}}
	for _, m := range s.GetInFlightMigrations() {
		done := "-"
		if m.ProgressPercent != nil {
			done = number(m.GetProgressPercent()) + "%"
		}
		t.add(text(idOf(m.GetMigration())), text(enumWord(m.GetPhase().String(), "PHASE_")), text(idOf(m.GetSource())),
			text(idOf(m.GetTarget())), text(done), text(span(m.GetElapsed())), text(number(m.GetRetries())))
	}
	t.writeIfAny(b, p.Color)
}

func (p Printer) emitted(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "RECENT ACTIONS", columns: []string{"AGO", "ID", "ACTION", "ABOUT"}}
	for _, emitted := range newest(s.GetRecentlyEmitted(), shownActions) {
		t.add(text(span(emitted.GetAge())), text(idOf(emitted.GetId())), text(emitted.GetKind()), text(action(emitted.GetAction())))
	}
	t.writeIfAny(b, p.Color)
}

func (p Printer) failures(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "RECENT FAILURES", columns: []string{"AT", "SOURCE", "REASON"}}
	for _, failure := range newest(s.GetRecentFailures(), shownFailures) {
		t.add(text(p.Clock(failure.GetAt())), cell{text: Plain(failure.GetSource()), style: Bad}, text(failure.GetReason()))
	}
	t.writeIfAny(b, p.Color)
}

// newest returns the n newest records of a ring.
func newest[T any](ring []T, n int) []T { return ring[max(0, len(ring)-n):] }

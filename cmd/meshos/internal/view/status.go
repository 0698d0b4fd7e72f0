package view

import (
	"fmt"
	"strings"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// How many entries of the rings a status shows; the commands logs and failures show more.
const (
	shownActions  = 8
	shownFailures = 5
)

// Status shows a snapshot. now is the time against which the snapshot's age is shown.
func (p Printer) Status(s *meshosv1.Snapshot, now time.Time) string {
	var b strings.Builder
	p.header(&b, s, now)
	p.peers(&b, s)
	p.daemons(&b, s)
	p.plugins(&b, s.GetPlugins())
	p.avoidList(&b, s)
	p.replicas(&b, s)
	p.migrations(&b, s)
	p.emitted(&b, s)
	p.failures(&b, s)
	return b.String()
}

func (p Printer) header(b *strings.Builder, s *meshosv1.Snapshot, now time.Time) {
	parts := []string{p.Color.Apply(Strong, "node "+idOf(s.GetNode())+nameOf(s))}
	parts = append(parts, fmt.Sprintf("epoch %016x", s.GetEpoch()), "tick "+idOf(s.GetTick())+p.age(s, now))
	if freeze := s.GetFreezeRemaining(); freeze != nil {
		parts = append(parts, p.Color.Apply(Warning, "FROZEN for "+span(freeze)))
	}
	b.WriteString(strings.Join(parts, "  ") + "\n")
	p.maintenance(b, s.GetLocalMaintenance())
	p.machine(b, s)
	p.scheduler(b, s.GetScheduler())
	stats := s.GetStats()
	fmt.Fprintf(b, "  %s, %s: %d done, %d failed, %d dropped; last tick took %s\n",
		Counted(int(stats.GetEventsApplied()), "event"), Counted(int(stats.GetActionsEmitted()), "action"),
		stats.GetDispatched(), stats.GetFailed(), stats.GetActionsDropped(), span(stats.GetLastTickTook()))
	if n := stats.GetEventsRefused(); n > 0 {
		b.WriteString("  " + p.Color.Apply(Warning, Counted(int(n), "event")+" refused: the node remembers as much as it may; see meshos failures") + "\n")
	}
}

// age shows how old the snapshot is. An old one is a sign of a stalled node.
func (p Printer) age(s *meshosv1.Snapshot, now time.Time) string {
	if s.GetTakenAt() == nil {
		return " (no tick yet)"
	}
	age := max(0, now.Sub(s.GetTakenAt().AsTime()))
	words := fmt.Sprintf(" (%v ago)", age.Round(100*time.Millisecond))
	if age > 5*time.Second {
		return p.Color.Apply(Bad, words)
	}
	return words
}

// nameOf returns this node's name, which the snapshot has in the list of peers.
func nameOf(s *meshosv1.Snapshot) string {
	for _, peer := range s.GetPeers() {
		if peer.GetPeer() == s.GetNode() && peer.GetName() != "" {
			return " (" + Plain(peer.GetName()) + ")"
		}
	}
	return ""
}

func (p Printer) maintenance(b *strings.Builder, m *meshosv1.MaintenanceView) {
	phase := Phase(m.GetPhase())
	kind := Good
	if m.GetPhase() != meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE || m.GetCordoned() || m.GetDraining() {
		kind = Warning
	}
	words := phase
	if m.GetCordoned() {
		words += ", cordoned"
	}
	if m.GetDraining() {
		words += ", draining"
	}
	line := "  maintenance: " + p.Color.Apply(kind, words)
	if m.Since != nil {
		line += " since " + span(m.GetSince())
	}
	if m.Deadline != nil {
		line += ", " + span(m.GetDeadline()) + " left"
	}
	if o := m.GetOrdered(); o != nil {
		line += ", " + ordered(o)
	}
	if m.GetReason() != "" {
		line += ": " + Plain(m.GetReason())
	}
	b.WriteString(line + "\n")
	if waiting := m.GetWaitingFor(); len(waiting) > 0 {
		b.WriteString("  waiting for " + Plain(strings.Join(waiting, ", ")) + "\n")
	}
}

// ordered shows who ordered something, and when.
func ordered(o *meshosv1.OrderView) string {
	words := "ordered " + span(o.GetAge()) + " ago"
	if len(o.GetOperators()) > 0 {
		words += " by " + Plain(strings.Join(o.GetOperators(), ", "))
	}
	return words
}

// machine shows this node's own inventory.
func (p Printer) machine(b *strings.Builder, s *meshosv1.Snapshot) {
	for _, peer := range s.GetPeers() {
		if peer.GetPeer() != s.GetNode() || peer.GetInventory() == nil {
			continue
		}
		inventory := peer.GetInventory()
		var parts []string
		if inventory.CpuLoad_1M != nil {
			parts = append(parts, fmt.Sprintf("load %.2f", inventory.GetCpuLoad_1M()))
		}
		if inventory.MemUsedBytes != nil && inventory.MemTotalBytes != nil {
			parts = append(parts, "memory "+used(inventory.GetMemUsedBytes(), inventory.GetMemTotalBytes()))
		}
		if inventory.DiskUsedBytes != nil && inventory.DiskTotalBytes != nil {
			parts = append(parts, "disk "+used(inventory.GetDiskUsedBytes(), inventory.GetDiskTotalBytes()))
		}
		if inventory.SoftwareVersion != nil {
			parts = append(parts, "version "+Plain(inventory.GetSoftwareVersion()))
		}
		if len(parts) > 0 {
			b.WriteString("  machine: " + strings.Join(parts, ", ") + "\n")
		}
	}
}

// scheduler shows in one line whether chains are rebalanced.
func (p Printer) scheduler(b *strings.Builder, s *meshosv1.SchedulerView) {
	if s == nil {
		return
	}
	line := "  scheduler: "
	if s.GetActive() {
		line += Counted(int(s.GetChainsScored()), "chain") + " scored " + span(s.GetAge()) + " ago"
	} else {
		line += p.Color.Apply(Warning, "idle") + ": " + Plain(s.GetIdleReason())
	}
	if n := s.GetMoving(); n > 0 {
		line += "; " + number(n) + " moving"
	}
	b.WriteString(line + "\n")
}

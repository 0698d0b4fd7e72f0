package main

import (
	"fmt"
	"strings"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// view shows a snapshot to a person.
type view struct {
	paint paint
	now   time.Time
	zone  *time.Location
}

// How much of the rings a status shows; logs and failures show more.
const (
	shownActions  = 8
	shownFailures = 5
)

func (v view) render(s *meshosv1.Snapshot) string {
	var b strings.Builder
	v.header(&b, s)
	v.peers(&b, s)
	v.daemons(&b, s)
	v.plugins(&b, s.GetPlugins())
	v.avoidList(&b, s)
	v.replicas(&b, s)
	v.migrations(&b, s)
	v.emitted(&b, s)
	v.failures(&b, s)
	return b.String()
}

func (v view) header(b *strings.Builder, s *meshosv1.Snapshot) {
	parts := []string{v.paint.in(strong, "node "+idOf(s.GetNode())+nameOf(s))}
	parts = append(parts, fmt.Sprintf("epoch %016x", s.GetEpoch()), "tick "+idOf(s.GetTick())+v.freshness(s))
	if freeze := s.GetFreezeRemaining(); freeze != nil {
		parts = append(parts, v.paint.in(warning, "FROZEN for "+span(freeze)))
	}
	b.WriteString(strings.Join(parts, "  ") + "\n")
	v.maintenance(b, s.GetLocalMaintenance())
	v.machine(b, s)
	v.scheduler(b, s.GetScheduler())
	stats := s.GetStats()
	fmt.Fprintf(b, "  %s, %s: %d done, %d failed, %d dropped; last tick took %s\n",
		counted(int(stats.GetEventsApplied()), "event"), counted(int(stats.GetActionsEmitted()), "action"),
		stats.GetDispatched(), stats.GetFailed(), stats.GetActionsDropped(), span(stats.GetLastTickTook()))
}

// freshness says how old the snapshot is, which is how a stalled node shows.
func (v view) freshness(s *meshosv1.Snapshot) string {
	if s.GetTakenAt() == nil {
		return " (none yet)"
	}
	age := max(0, v.now.Sub(s.GetTakenAt().AsTime()))
	words := fmt.Sprintf(" (%v ago)", age.Round(100*time.Millisecond))
	if age > 5*time.Second {
		return v.paint.in(bad, words)
	}
	return words
}

// nameOf gives this node's name, which stands among the peers.
func nameOf(s *meshosv1.Snapshot) string {
	for _, peer := range s.GetPeers() {
		if peer.GetPeer() == s.GetNode() && peer.GetName() != "" {
			return " (" + plain(peer.GetName()) + ")"
		}
	}
	return ""
}

func (v view) maintenance(b *strings.Builder, m *meshosv1.MaintenanceView) {
	phase := enumWord(m.GetPhase().String(), "MAINTENANCE_PHASE_")
	kind := good
	if m.GetPhase() != meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE || m.GetCordoned() || m.GetDraining() {
		kind = warning
	}
	words := phase
	if m.GetCordoned() {
		words += ", cordoned"
	}
	if m.GetDraining() {
		words += ", draining"
	}
	line := "  maintenance: " + v.paint.in(kind, words)
	if m.Since != nil {
		line += " since " + span(m.GetSince())
	}
	if m.Deadline != nil {
		line += ", " + span(m.GetDeadline()) + " left"
	}
	if m.GetReason() != "" {
		line += ": " + plain(m.GetReason())
	}
	b.WriteString(line + "\n")
	if waiting := m.GetWaitingFor(); len(waiting) > 0 {
		b.WriteString("  waiting for " + plain(strings.Join(waiting, ", ")) + "\n")
	}
}

// machine shows this node's own inventory.
func (v view) machine(b *strings.Builder, s *meshosv1.Snapshot) {
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
			parts = append(parts, "version "+plain(inventory.GetSoftwareVersion()))
		}
		if len(parts) > 0 {
			b.WriteString("  machine: " + strings.Join(parts, ", ") + "\n")
		}
	}
}

func used(part, whole uint64) string {
	words := bytesOf(part) + " of " + bytesOf(whole)
	if whole > 0 {
		words += fmt.Sprintf(" (%.0f%%)", 100*float64(part)/float64(whole))
	}
	return words
}

package view

import (
	"slices"
	"strings"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// service returns how the node was taken out of service, since when, by whom and why: "drained
// since 02:11 by ana (kernel upgrade)". It is empty for a node in service. failed reports
// whether that is trouble.
func (p Printer) service(page Page) (words string, failed bool) {
	m := page.Snapshot.GetLocalMaintenance()
	order := page.latest(enters)
	switch m.GetPhase() {
	case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ENTERING:
		words = "entering maintenance"
	case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_MAINTENANCE:
		words = "in maintenance"
	case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_DRAIN_FAILED:
		words, failed = "drain failed", true
	case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_EXITING:
		words, order = "leaving maintenance", page.latest(exits)
	case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_RECOVERY:
		words, order = "recovering from maintenance", page.latest(exits)
	default:
		order = page.latest(cordons)
		switch {
		case m.GetDraining():
			words = "draining"
		case m.GetCordoned() && order.GetEvent().GetDrain() != nil && len(m.GetWaitingFor()) == 0:
			words = "drained"
		case m.GetCordoned():
			words = "cordoned"
		default:
			return "", false
		}
	}
	if since := p.began(page, order); !since.IsZero() {
		words += " since " + p.since(since, page.Now)
	}
	if order == nil && len(m.GetOrdered().GetOperators()) > 0 {
		words += " by " + Plain(strings.Join(m.GetOrdered().GetOperators(), ", "))
	}
	words += by(order)
	if m.Deadline != nil {
		words += ", " + leftOf(m.GetDeadline().AsDuration())
	}
	if m.GetReason() != "" {
		words += ": " + Plain(m.GetReason())
	}
	return words, failed
}

// began returns when the node was ordered into its state, or else came into it.
func (p Printer) began(page Page, order *meshosv1.AdminAuditRecord) time.Time {
	if order != nil {
		return order.GetCommittedAt().AsTime()
	}
	m, taken := page.Snapshot.GetLocalMaintenance(), page.Snapshot.GetTakenAt().AsTime()
	switch {
	case m.GetOrdered() != nil:
		return taken.Add(-m.GetOrdered().GetAge().AsDuration())
	case m.Since != nil:
		return taken.Add(-m.GetSince().AsDuration())
	}
	return time.Time{}
}

// leftOf returns what is left of a window.
func leftOf(d time.Duration) string {
	if d <= 0 {
		return "its window is over"
	}
	return Seconds(d.Round(time.Second)) + " left"
}

// by returns who ordered something and why: " by ana (kernel upgrade)".
func by(order *meshosv1.AdminAuditRecord) (words string) {
	if who := signedBy(order); who != "" {
		words = " by " + who
	}
	if order.GetReason() != "" {
		words += " (" + cut(Plain(order.GetReason()), longestReason) + ")"
	}
	return words
}

// What kinds of commands lead to a state of the node.
func enters(e *meshosv1.AdminEvent) bool { return e.GetEnterMaintenance() != nil }

func exits(e *meshosv1.AdminEvent) bool { return e.GetExitMaintenance() != nil }

func cordons(e *meshosv1.AdminEvent) bool { return e.GetDrain() != nil || e.GetCordon() != nil }

func freezes(e *meshosv1.AdminEvent) bool { return e.GetFreezeCluster() != nil }

// latest returns the newest command of a kind that the node took, for itself or for all
// nodes; nil if it is not known.
func (page Page) latest(kind func(*meshosv1.AdminEvent) bool) *meshosv1.AdminAuditRecord {
	for _, records := range [][]*meshosv1.AdminAuditRecord{page.Snapshot.GetAdminAudit(), page.Earlier} {
		for _, r := range slices.Backward(records) {
			if r.GetOutcome().GetVerdict() == meshosv1.VerificationOutcome_VERDICT_REJECTED || !kind(r.GetEvent()) {
				continue
			}
			if node := targetNode(r.GetEvent()); node == 0 || node == page.Snapshot.GetNode() {
				return r
			}
		}
	}
	return nil
}

// OutOfService reports whether commands may have brought the node into its state that its
// snapshot does not show any more.
func OutOfService(s *meshosv1.Snapshot) bool {
	m := s.GetLocalMaintenance()
	return m.GetCordoned() || m.GetDraining() || s.FreezeRemaining != nil ||
		m.GetPhase() > meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE
}

// OrdersKnown reports whether the page has the commands that led to the node's state.
func (page Page) OrdersKnown() bool {
	m := page.Snapshot.GetLocalMaintenance()
	switch m.GetPhase() {
	case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ENTERING, meshosv1.MaintenancePhase_MAINTENANCE_PHASE_MAINTENANCE,
		meshosv1.MaintenancePhase_MAINTENANCE_PHASE_DRAIN_FAILED:
		if page.latest(enters) == nil {
			return false
		}
	}
	if (m.GetCordoned() || m.GetDraining()) && page.latest(cordons) == nil {
		return false
	}
	return page.Snapshot.FreezeRemaining == nil || page.latest(freezes) != nil
}

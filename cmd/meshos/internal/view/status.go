package view

import (
	"fmt"
	"strings"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// How many entries of the rings a status shows; the commands actions and failures show more.
const (
	shownActions  = 8
	shownFailures = 5
)

// Status shows a node: what is wrong first, in a sentence and in lists, then counts of what
// is well.
func (p Printer) Status(page Page) string {
	var b strings.Builder
	s := page.Snapshot
	if page.Filter.some() {
		p.chosen(&b, page)
		return strings.TrimPrefix(b.String(), "\n")
	}
	p.sentence(&b, page)
	p.identity(&b, page)
	p.who(&b, s.GetInfo())
	if waiting := s.GetLocalMaintenance().GetWaitingFor(); len(waiting) > 0 {
		var more counts
		waiting = limited(page, waiting, &more)
		words := strings.Join(waiting, ", ")
		if text := more.String(); text != "" {
			words += " and " + text
		}
		p.flow(&b, 0, 2, styled{text: "Waiting for " + Plain(words) + "."})
	}
	if n := s.GetStats().GetEventsRefused(); n > 0 {
		p.flow(&b, 0, 2, styled{Counted(int(n), "event") + " refused: the node remembers as much as it may; see meshos failures.", Warning})
	}
	if page.Filter.All {
		p.machine(&b, s)
		p.scheduler(&b, s.GetScheduler())
		p.counters(&b, s.GetStats())
	}
	page.lined = new(bool)
	p.peers(&b, page)
	p.names(&b, s)
	p.daemons(&b, page)
	p.plugins(&b, page)
	p.replicas(&b, page)
	p.avoidList(&b, page)
	if page.Filter.Unhealthy {
		return b.String()
	}
	p.migrations(&b, s)
	if page.Filter.All {
		p.emitted(&b, s)
	}
	p.failures(&b, page)
	return b.String()
}

// sentence is how the page begins.
func (p Printer) sentence(b *strings.Builder, page Page) {
	v := p.Judge(page)
	style := Good
	if !v.Well() {
		style = Bad
	} else if len(v.Notes) > 0 {
		style = Warning
	}
	p.flow(b, 0, 0, styled{v.Sentence() + ".", style})
}

// identity names the node and its process.
func (p Printer) identity(b *strings.Builder, page Page) {
	s, info := page.Snapshot, page.Snapshot.GetInfo()
	name := info.GetName()
	if name == "" {
		name = nameOf(s)
	}
	words := "node " + idOf(s.GetNode())
	if name != "" {
		words += " (" + Plain(name) + ")"
	}
	parts := []styled{{words, Strong}}
	if info.GetCluster() != "" {
		parts = append(parts, styled{text: " of cluster " + Plain(info.GetCluster())})
	}
	if info != nil {
		parts = append(parts, styled{text: ", meshos " + OrDash(Plain(info.GetVersion())) + ", up " + uptime(info.GetUptime().AsDuration())})
	}
	parts = append(parts, styled{text: fmt.Sprintf(", epoch %016x, tick %d", s.GetEpoch(), s.GetTick())}, p.age(page))
	p.flow(b, 0, 2, parts...)
}

// uptime returns how long a process has run, in the two units that matter.
func uptime(d time.Duration) string {
	days, hours := d/(24*time.Hour), d%(24*time.Hour)/time.Hour
	switch {
	case days > 0:
		return fmt.Sprintf("%dd%dh", days, hours)
	case d >= time.Hour:
		return Seconds(d.Round(time.Minute))
	}
	return Seconds(d)
}

// age shows how old the snapshot is. An old one is a sign of a stalled node.
func (p Printer) age(page Page) styled {
	if page.Snapshot.GetTakenAt() == nil {
		return styled{text: " (no tick yet)"}
	}
	age := max(0, page.Now.Sub(page.Snapshot.GetTakenAt().AsTime()))
	out := styled{text: fmt.Sprintf(" (%v ago)", age.Round(100*time.Millisecond))}
	if age > staleAfter {
		out.style = Bad
	}
	return out
}

// nameOf returns this node's name as the list of peers has it.
func nameOf(s *meshosv1.Snapshot) string {
	for _, peer := range s.GetPeers() {
		if peer.GetPeer() == s.GetNode() {
			return peer.GetName()
		}
	}
	return ""
}

// who shows who may command the node.
func (p Printer) who(b *strings.Builder, info *meshosv1.NodeInfo) {
	if info == nil { // an earlier version
		return
	}
	names := make([]string, len(info.GetOperators()))
	for i, name := range info.GetOperators() {
		names[i] = Plain(name)
	}
	operators := strings.Join(names, ", ")
	switch {
	case info.GetOrdersRefused() != "":
		p.flow(b, 0, 2, styled{"Nobody may command until that is mended and `meshos reload` was run.", Bad})
	case info.GetUnsignedAccepted() && operators == "":
		p.flow(b, 0, 2, styled{"Unsigned commands are accepted: no operators are configured.", Warning})
	case info.GetUnsignedAccepted():
		p.flow(b, 0, 2, styled{"Unsigned commands are accepted, but for break-glass ones.", Warning}, styled{text: " Operators: " + operators + "."})
	case operators == "":
		p.flow(b, 0, 2, styled{"Nobody may command: no key in the file of signers is valid now.", Bad})
	default:
		words := "Operators: " + operators + "."
		if n := info.GetOrdinary(); n > 1 {
			words += fmt.Sprintf(" A command needs %d of them.", n)
		}
		if n := info.GetBreakGlass(); n > 1 {
			words += fmt.Sprintf(" A break-glass command needs %d of them.", n)
		}
		p.flow(b, 0, 2, styled{text: words})
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

// scheduler shows in one line whether chains are rebalanced.
func (p Printer) scheduler(b *strings.Builder, s *meshosv1.SchedulerView) {
	if s == nil {
		return
	}
	parts := []styled{{text: "  scheduler: "}}
	if s.GetActive() {
		parts[0].text += Counted(int(s.GetChainsScored()), "chain") + " scored " + span(s.GetAge()) + " ago"
	} else {
		parts = append(parts, styled{"idle", Warning}, styled{text: ": " + Plain(s.GetIdleReason())})
	}
	if n := s.GetMoving(); n > 0 {
		parts = append(parts, styled{text: "; " + number(n) + " moving"})
	}
	p.flow(b, 0, 4, parts...)
}

func (p Printer) counters(b *strings.Builder, stats *meshosv1.Stats) {
	p.flow(b, 0, 4, styled{text: fmt.Sprintf("  since the start: %s, %s: %d done, %d failed, %d dropped; last tick took %s",
		Counted(int(stats.GetEventsApplied()), "event"), Counted(int(stats.GetActionsEmitted()), "action"),
		stats.GetDispatched(), stats.GetFailed(), stats.GetActionsDropped(), span(stats.GetLastTickTook()))})
	if stats.GetTickP99().AsDuration() > 0 {
		p.flow(b, 0, 4, styled{text: fmt.Sprintf("  ticks of the last 5 min: p50 %s, p99 %s, %.3g events each",
			span(stats.GetTickP50()), span(stats.GetTickP99()), stats.GetEventsPerTick())})
	}
}

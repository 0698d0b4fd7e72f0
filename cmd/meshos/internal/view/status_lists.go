package view

import (
	"fmt"
	"slices"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// section writes a list of a page: a table of what is wrong or was chosen, and how the rest
// is, in a line. Without a table it is that line alone.
func (p Printer) section(b *strings.Builder, page Page, title string, t *table, rest *counts) {
	after := *page.lined
	*page.lined = len(t.rows) == 0
	switch {
	case len(t.rows) > 0:
		t.title = title
		t.write(b, p)
		if words := rest.String(); words != "" && !page.Filter.Unhealthy {
			b.WriteString("  " + p.Color.Apply(Faint, "and "+words) + "\n")
		}
	case page.Filter.Unhealthy:
		*page.lined = after
	case rest.String() == "":
		p.line(b, after, title, "none")
	default:
		p.line(b, after, title, rest.String())
	}
}

// most is how many entries of a list that are not well are shown, unless all are asked for.
const most = 50

// limited returns as many entries as a page shows, and counts the others.
func limited[T any](page Page, list []T, rest *counts) []T {
	more := len(list) - most
	if page.Filter.All || more <= 0 {
		return list
	}
	others := *rest
	*rest = counts{}
	rest.addN("more like these (meshos status --all shows all)", more)
	for _, state := range others.order {
		rest.addN(state, others.of[state])
	}
	return list[:most]
}

// line writes a section that is one line, without a blank line after another such.
func (p Printer) line(b *strings.Builder, after bool, title, words string) {
	if !after {
		b.WriteString("\n")
	}
	b.WriteString(p.Color.Apply(Strong, fmt.Sprintf("%-9s", title)) + " ")
	p.flow(b, 10, 10, styled{text: words})
}

// counts are how many things are in which state, in the order in which the states came.
type counts struct {
	order []string
	of    map[string]int
}

func (c *counts) add(state string) { c.addN(state, 1) }

func (c *counts) addN(state string, n int) {
	if c.of == nil {
		c.of = map[string]int{}
	}
	if c.of[state] == 0 {
		c.order = append(c.order, state)
	}
	c.of[state] += n
}

// String returns "58 healthy, 2 not checked".
func (c *counts) String() string {
	parts := make([]string, len(c.order))
	for i, state := range c.order {
		parts[i] = fmt.Sprintf("%d %s", c.of[state], state)
	}
	return strings.Join(parts, ", ")
}

// peerBad reports whether something is wrong with a peer.
func peerBad(peer *meshosv1.PeerView) bool {
	return peer.GetHealth() >= meshosv1.NodeHealth_NODE_HEALTH_DEGRADED || slow(peer) || lost(peer) || unsent(peer)
}

// unsent reports whether no echoes can be sent to a peer, which is a fault of this machine, or
// of the peer's name.
func unsent(peer *meshosv1.PeerView) bool {
	why := peer.GetEchoes().GetNoAnswer()
	return why == meshosv1.NoAnswer_NO_ANSWER_NOT_SENT || why == meshosv1.NoAnswer_NO_ANSWER_NO_SUCH_NAME
}

// lost reports whether a peer does not answer echoes that it answered before, or that nothing
// else is known to answer for it.
func lost(peer *meshosv1.PeerView) bool {
	return peer.GetEchoes().GetState() == meshosv1.EchoView_STATE_LOST
}

// slow reports whether a peer is slow, or loses too many echoes.
func slow(peer *meshosv1.PeerView) bool {
	return peer.GetEchoes().GetState() == meshosv1.EchoView_STATE_DEGRADED
}

func (p Printer) peers(b *strings.Builder, page Page) {
	var bad, well []*meshosv1.PeerView
	var rest counts
	for _, peer := range page.Snapshot.GetPeers() {
		switch {
		case peer.GetPeer() == page.Snapshot.GetNode():
		case peerBad(peer):
			bad = append(bad, peer)
		default:
			well = append(well, peer)
			rest.add(peerState(peer))
		}
	}
	if page.Filter.All {
		bad, rest = append(bad, well...), counts{}
	}
	slices.SortStableFunc(bad, func(a, b *meshosv1.PeerView) int { return int(b.GetHealth()) - int(a.GetHealth()) })
	bad = limited(page, bad, &rest)
	p.section(b, page, "PEERS", p.peerTable(page, bad), &rest)
}

// peerState returns how a peer is that is well, as far as is known.
func peerState(peer *meshosv1.PeerView) string {
	state := "not checked"
	if peer.GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_HEALTHY {
		state = "healthy"
	}
	if peer.GetEchoes().GetState() == meshosv1.EchoView_STATE_SILENT {
		state += " but not answering echoes"
	}
	if phase := peer.GetMaintenance(); phase > meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE {
		state += " (" + Phase(phase) + ")"
	} else if peer.GetCordoned() {
		state += " (cordoned)"
	}
	return state
}

// peerTable shows peers with all that fits; what a column says of none of them is left out.
func (p Printer) peerTable(page Page, peers []*meshosv1.PeerView) *table {
	avoided := map[uint64]bool{}
	for _, avoid := range page.Snapshot.GetAvoidList() {
		avoided[avoid.GetPeer()] = true
	}
	t := &table{columns: []string{"ID", "NAME", "HEALTH", "RTT", "BY", "PHASE", "LOAD", "MEM", "NOTES"}}
	families := func(*meshosv1.PeerView) string { return "-" }
	if byBoth(page.Snapshot.GetPeers()) {
		families = func(peer *meshosv1.PeerView) string { return OrDash(measuredBy(peer)) }
	}
	for _, peer := range peers {
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
		if inventory := peer.GetInventory(); inventory != nil && (page.Filter.All || page.Filter.some()) {
			if inventory.CpuLoad_1M != nil {
				load = fmt.Sprintf("%.2f", inventory.GetCpuLoad_1M())
			}
			if inventory.MemUsedBytes != nil && inventory.GetMemTotalBytes() > 0 {
				memory = fmt.Sprintf("%.0f%%", 100*float64(inventory.GetMemUsedBytes())/float64(inventory.GetMemTotalBytes()))
			}
		}
		t.add(text(idOf(peer.GetPeer())), text(OrDash(peer.GetName())), healthCell(peer.GetHealth()), text(span(peer.GetRtt())), text(families(peer)),
			text(peerPhase(peer)), text(load), text(memory), cell{text: strings.Join(notes, ", "), style: Warning})
	}
	return t.withoutEmpty()
}

// peerPhase returns the phase of a peer that is on its way into maintenance or back.
func peerPhase(peer *meshosv1.PeerView) string {
	if peer.GetMaintenance() <= meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE {
		return "-"
	}
	return Phase(peer.GetMaintenance())
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

func (p Printer) avoidList(b *strings.Builder, page Page) {
	s := page.Snapshot
	var more counts
	shown := limited(page, s.GetAvoidList(), &more)
	t := table{title: "AVOIDED", columns: []string{"PEER", "LEFT", "REASON", "NOW"}}
	peers := make(map[uint64]*meshosv1.PeerView, len(s.GetPeers()))
	for _, peer := range s.GetPeers() {
		peers[peer.GetPeer()] = peer
	}
	for _, avoid := range shown {
		left := "over"
		if avoid.GetTtl().AsDuration() > 0 {
			left = span(avoid.GetTtl())
		}
		t.add(text(idOf(avoid.GetPeer())), text(left), text(avoid.GetReason()), text(peerNow(peers[avoid.GetPeer()])))
	}
	t.writeIfAny(b, p)
	if words := more.String(); words != "" {
		b.WriteString("  " + p.Color.Apply(Faint, "and "+words) + "\n")
	}
}

// replicas shows the chains that have fewer replicas than they should.
func (p Printer) replicas(b *strings.Builder, page Page) {
	shown := shortOfReplicas(page.Snapshot)
	var rest counts
	for range len(page.Snapshot.GetReplicas()) - len(shown) {
		rest.add("with all replicas")
	}
	if page.Filter.All {
		shown, rest = page.Snapshot.GetReplicas(), counts{}
	}
	if len(page.Snapshot.GetReplicas()) == 0 {
		return
	}
	shown = limited(page, shown, &rest)
	t := &table{columns: []string{"CHAIN", "DESIRED", "LEADER", "HOLDERS"}}
	for _, replica := range shown {
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
		t.add(text(idOf(replica.GetChain())), text(desired), text(leader), text(idsOf(replica.GetHolders())))
	}
	p.section(b, page, "CHAINS", t, &rest)
}

func (p Printer) migrations(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "MIGRATIONS", columns: []string{"ID", "CHAIN", "PHASE", "FROM", "TO", "DONE", "LEFT", "FOR", "RETRIES"}}
	for _, m := range s.GetInFlightMigrations() {
		chain := "-"
		if m.GetChain() != 0 {
			chain = idOf(m.GetChain())
		}
		done, left := migrated(m)
		t.add(text(idOf(m.GetMigration())), text(chain), text(enumWord(m.GetPhase().String(), "PHASE_")), text(idOf(m.GetSource())),
			text(idOf(m.GetTarget())), text(done), text(left), text(span(m.GetElapsed())), text(number(m.GetRetries())))
	}
	t.writeIfAny(b, p)
}

// migrated returns how far a migration is, and how long it still takes.
func migrated(m *meshosv1.MigrationView) (done, left string) {
	done, left = "-", "-"
	if m.ProgressPercent != nil {
		done = number(m.GetProgressPercent()) + "%"
	}
	if m.DoneBytes != nil && m.SnapshotBytes != nil {
		done = strings.TrimPrefix(done+" ", "- ") + bytesOf(m.GetDoneBytes()) + " of " + bytesOf(m.GetSnapshotBytes())
	}
	if m.Left != nil {
		left = span(m.GetLeft())
	}
	return done, left
}

func (p Printer) emitted(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "RECENT ACTIONS", columns: []string{"AGO", "ID", "ACTION", "ABOUT"}}
	for _, emitted := range newest(s.GetRecentlyEmitted(), shownActions) {
		t.add(text(span(emitted.GetAge())), text(idOf(emitted.GetId())), text(emitted.GetKind()), text(action(emitted.GetAction())))
	}
	t.writeIfAny(b, p)
}

func (p Printer) failures(b *strings.Builder, page Page) {
	t := table{title: "RECENT FAILURES", columns: []string{"AT", "SOURCE", "REASON"}}
	for _, failure := range newest(page.Snapshot.GetRecentFailures(), shownFailures) {
		t.add(text(p.Stamp(failure.GetAt(), page.Now)), cell{text: Plain(failure.GetSource()), style: Bad}, text(failure.GetReason()))
	}
	t.writeIfAny(b, p)
}

// newest returns the n newest records of a ring.
func newest[T any](ring []T, n int) []T { return ring[max(0, len(ring)-n):] }

// chosen shows the peers and daemons that the filter names.
func (p Printer) chosen(b *strings.Builder, page Page) {
	s := page.Filter.Filtered(page.Snapshot)
	if len(page.Filter.Peers) > 0 {
		t := p.peerTable(page, s.GetPeers())
		t.title, t.empty = "PEERS", "none of those is unhealthy"
		t.write(b, p)
	}
	if len(page.Filter.Daemons) > 0 {
		p.daemonTable(b, "DAEMONS", s.GetDaemons())
	}
}

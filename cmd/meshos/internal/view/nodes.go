package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Nodes returns the members of the mesh as a node knows them, itself included: those with
// trouble first, and by id.
func Nodes(s *meshosv1.Snapshot) []*meshosv1.PeerView {
	out := []*meshosv1.PeerView{nodeItself(s)}
	for _, p := range s.GetPeers() {
		if p.GetPeer() != s.GetNode() {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b *meshosv1.PeerView) int {
		return cmp.Or(cmp.Compare(severity(b), severity(a)), cmp.Compare(a.GetPeer(), b.GetPeer()))
	})
	return out
}

// nodeItself returns the node that was asked, as the others see it.
func nodeItself(s *meshosv1.Snapshot) *meshosv1.PeerView {
	m := s.GetLocalMaintenance()
	out := &meshosv1.PeerView{Peer: s.GetNode(), Name: s.GetInfo().GetName(), Maintenance: m.GetPhase(), Cordoned: m.GetCordoned()}
	said := &meshosv1.NodeSummary{
		Height: s.GetMesh().GetHeight(), AdminState: s.GetMesh().GetAdminState(), Phase: m.GetPhase(), Cordoned: m.GetCordoned(),
		Draining: m.GetDraining(), Version: s.GetInfo().GetVersion(), Name: s.GetInfo().GetName(), LogFrozen: s.GetMesh().GetFrozen() != "",
	}
	for _, p := range s.GetPeers() {
		if p.GetPeer() == s.GetNode() {
			out.Inventory = p.GetInventory()
		}
	}
	for _, d := range s.GetDaemons() {
		if d.GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING {
			said.DaemonsRunning++
		}
	}
	said.DaemonsWrong = uint32(len(daemonTroubles(s.GetDaemons())))
	said.PluginsWrong = uint32(len(pluginTroubles(s.GetPlugins())))
	for _, r := range s.GetReplicas() {
		if slices.Contains(r.GetHolders(), s.GetNode()) {
			said.ChainsHeld++
		}
		if r.GetLeader() == s.GetNode() {
			said.ChainsLed++
		}
	}
	out.Member = &meshosv1.MemberView{Summary: said, Seed: s.GetMesh().GetSeed(), OwnWord: true, Draining: m.GetDraining()}
	return out
}

// severity orders nodes by their trouble.
func severity(p *meshosv1.PeerView) int {
	m, said := p.GetMember(), p.GetMember().GetSummary()
	switch {
	case m.GetAlarm() != "", said.GetLogFrozen(): // its word can't be relied on
		return 7
	case m != nil && m.GetGone() && !m.GetOrderly(), p.GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE && !m.GetFromHere():
		return 6
	case m != nil && m.GetGone():
		return 4
	case said.GetTrouble() != "", said.GetDaemonsWrong() > 0, said.GetPluginsWrong() > 0, m.GetFromHere():
		return 3
	case p.GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_DEGRADED, slow(p), lost(p):
		return 2
	case p.GetCordoned(), m.GetDraining(), p.GetMaintenance() > meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE:
		return 1
	}
	return 0
}

// NodeTable prints the members of the mesh, and how this node is linked with them.
func (p Printer) NodeTable(s *meshosv1.Snapshot) string {
	var b strings.Builder
	t := &table{columns: []string{"ID", "NAME", "STATE", "HEIGHT", "VERSION", "CHAINS", "LOAD", "MEM", "DISK", "DAEMONS", "RTT", "HEARD", "NOTES"}}
	for _, node := range Nodes(s) {
		p.nodeRow(t, s, node)
	}
	t.withoutEmpty().within(p.width(), "HEARD", "VERSION", "CHAINS", "DAEMONS").write(&b, p)
	if line := meshLine(s.GetMesh()); line != "" {
		b.WriteString("\n")
		p.flow(&b, 0, 0, styled{text: line})
	}
	for _, alarm := range s.GetMesh().GetAlarms() {
		p.flow(&b, 0, 2, styled{text: "alarm: " + Plain(alarm), style: Bad})
	}
	return b.String()
}

func (p Printer) nodeRow(t *table, s *meshosv1.Snapshot, node *meshosv1.PeerView) {
	m, said, in := node.GetMember(), node.GetMember().GetSummary(), node.GetInventory()
	state, style := nodeState(node, s.GetNode())
	height, chains, daemons := "-", "-", "-"
	if said != nil {
		height = idOf(said.GetHeight())
		chains = fmt.Sprintf("%d", said.GetChainsHeld())
		if led := said.GetChainsLed(); led > 0 {
			chains += fmt.Sprintf(" (%d led)", led)
		}
		daemons = fmt.Sprintf("%d", said.GetDaemonsRunning())
		if wrong := said.GetDaemonsWrong(); wrong > 0 {
			daemons += fmt.Sprintf(" (%d wrong)", wrong)
		}
	}
	load := "-"
	if in.GetLoadPerCpu() > 0 || in != nil && in.LoadPerCpu != nil {
		load = fmt.Sprintf("%.0f%%", 100*in.GetLoadPerCpu()) // of its CPUs
	} else if in != nil && in.CpuLoad_1M != nil {
		load = fmt.Sprintf("%.2f", in.GetCpuLoad_1M())
	}
	heard := "-"
	switch {
	case node.GetPeer() == s.GetNode():
		heard = "here"
	case (m.GetGone() || m.GetSilent()) && m.GetHeard() != nil:
		heard = span(m.GetHeard()) + " ago"
	case m != nil && !m.GetGone():
		heard = "now"
	case m != nil:
		heard = "never"
	}
	t.add(text(idOf(node.GetPeer())), text(OrDash(node.GetName())), cell{text: state, style: style}, text(height), text(OrDash(said.GetVersion())),
		text(chains), text(load), text(share(in.GetMemUsedBytes(), in.GetMemTotalBytes())), text(share(in.GetDiskUsedBytes(), in.GetDiskTotalBytes())),
		text(daemons), text(span(node.GetRtt())), text(heard), cell{text: strings.Join(nodeNotes(node), ", "), style: Warning})
}

// share returns which part of something is used: "12%".
func share(part, whole uint64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100*float64(part)/float64(whole))
}

// nodeState returns in a word or two how a node is.
func nodeState(p *meshosv1.PeerView, here uint64) (string, Style) {
	m, said := p.GetMember(), p.GetMember().GetSummary()
	switch {
	case m == nil && p.GetPeer() != here:
		return "no member", Faint
	case m.GetGone() && m.GetOrderly():
		return "ended", Warning
	case m.GetGone() && m.GetHeard() == nil:
		return "not here yet", Warning
	case m.GetGone():
		return "gone", Bad
	case m.GetFromHere():
		return "unreachable from here", Warning
	case p.GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE:
		return "unreachable", Bad
	case m.GetAlarm() != "":
		return "alarm", Bad
	case said.GetLogFrozen():
		return "log frozen", Bad
	case p.GetMaintenance() > meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE:
		return Phase(p.GetMaintenance()), Warning
	case m.GetDraining():
		return "draining", Warning
	case p.GetCordoned():
		return "cordoned", Warning
	case p.GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_DEGRADED:
		return "degraded", Warning
	}
	return "active", Good
}

// nodeNotes returns what else is to be said of a node.
func nodeNotes(p *meshosv1.PeerView) (notes []string) {
	m, said := p.GetMember(), p.GetMember().GetSummary()
	if m.GetSeed() {
		notes = append(notes, "seed")
	}
	if p.GetCordoned() && (m.GetDraining() || p.GetMaintenance() > meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE) {
		notes = append(notes, "cordoned")
	}
	if m.GetAlarm() != "" {
		notes = append(notes, Plain(m.GetAlarm()))
	}
	if said.GetLogFrozen() {
		notes = append(notes, "its log is frozen")
	}
	if n := said.GetPluginsWrong(); n > 0 {
		notes = append(notes, Counted(int(n), "plugin")+" wrong")
	}
	if said.GetTrouble() != "" {
		notes = append(notes, Plain(said.GetTrouble()))
	}
	for _, here := range said.GetHere() {
		notes = append(notes, "ordered here: "+Plain(here))
	}
	if m != nil && !m.GetOwnWord() && said != nil {
		notes = append(notes, "has not folded the last order about it yet")
	}
	return notes
}

// meshLine returns in a sentence how a node is linked; "" without a mesh.
func meshLine(m *meshosv1.MeshView) string {
	if m == nil {
		return "This node belongs to no mesh: it has no mesh plugin."
	}
	link := m.GetLink()
	var words []string
	switch {
	case m.GetJoining() != "":
		words = append(words, "This node is no member of the mesh: "+Plain(m.GetJoining())+".")
	case m.GetHeight() == 0:
		words = append(words, "This node has a mesh plugin, and belongs to no mesh: `meshos mesh init` begins one, and `meshos mesh join` makes it a member of one.")
		return strings.Join(words, " ")
	case link == nil:
		words = append(words, "The mesh plugin does not run, or has not said yet how this node is linked; `meshos plugin list` shows how it is. Orders for the mesh are refused.")
	case !link.GetConnected():
		words = append(words, "This node is cut off from the mesh: "+OrDash(Plain(link.GetError()))+".")
	case !link.GetQuorum():
		words = append(words, fmt.Sprintf("Linked with %s, without a quorum of the seeds: orders for the mesh are refused.", OrDash(Plain(link.GetSeed()))))
	case link.GetSeedHere():
		words = append(words, "This node is a seed.")
	default:
		words = append(words, fmt.Sprintf("Linked with %s.", OrDash(Plain(link.GetSeed()))))
	}
	if m.GetMembers() > 0 {
		words = append(words, fmt.Sprintf("%s, %d of the others with a session, %s; order %d is folded here.",
			Counted(int(m.GetMembers()), "member"), m.GetHeard(), Counted(int(m.GetSeeds()), "seed"), m.GetHeight()))
	}
	if m.GetFrozen() != "" {
		words = append(words, "Its log is frozen: "+Plain(m.GetFrozen())+".")
	}
	if link.GetAlarm() != "" {
		words = append(words, "The engine says: "+Plain(link.GetAlarm())+".")
	}
	return strings.Join(words, " ")
}

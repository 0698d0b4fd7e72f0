package view

import (
	"fmt"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Mesh shows how a node takes part in its mesh.
func (p Printer) Mesh(m *meshosv1.MeshView) string {
	var b strings.Builder
	line := meshLine(m)
	if line == "" {
		line = "This node belongs to no mesh."
	}
	b.WriteString(line + "\n")
	if m.GetHeight() == 0 {
		return b.String()
	}
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("cluster", "%s, which begins with %x", Plain(m.GetClusterId()), short(m.GetFounding()))
	row("log", "height %d, hash %x", m.GetHeight(), short(m.GetHead()))
	row("admin_state", "%x", short(m.GetAdminState()))
	row("signers", "set by order %d", m.GetSignersHeight())
	if v := m.GetOldestVersion(); v != "" {
		row("versions", "the oldest is %s, on %s", Plain(v), nodesWord(m.GetOldest()))
	}
	if beacon := m.GetLink().GetBeacon(); beacon != nil {
		row("the seeds", "height %d, hash %x, said %s ago", beacon.GetHeight(), short(beacon.GetHead()), span(beacon.GetAge()))
	}
	for _, t := range m.GetTokens() {
		what := "a node"
		if t.GetSeed() {
			what = "a seed"
		}
		row("open token", "for %s with id %d, until %s", what, t.GetNode(), t.GetExpires().AsTime().In(p.Zone).Format("2006-01-02 15:04:05"))
	}
	if c := m.GetCheckpoint(); c != nil {
		row("checkpoint", "height %d, admin_state %x", c.GetHeight(), short(c.GetAdminState()))
	}
	if own, log := m.GetFirst(), m.GetLink().GetFirst(); own > 1 || log > 1 {
		row("begins", "%s, this node's record at %d; a checkpoint stands for what is before", logBegins(log), own)
	}
	if r := m.GetRecovered(); r != nil {
		what := "not acknowledged"
		if r.GetAcknowledged() {
			what = "acknowledged"
		}
		row("recovery", "order %d at %s, %s", r.GetHeight(), r.GetLogTime().AsTime().In(p.Zone).Format("2006-01-02 15:04:05"), what)
	}
	for _, alarm := range m.GetAlarms() {
		b.WriteString("  " + p.Color.Apply(Bad, Plain(alarm)) + "\n")
	}
	return b.String()
}

func logBegins(first uint64) string {
	if first == 0 {
		return "where the log begins is not known"
	}
	return fmt.Sprintf("the log begins at height %d", first)
}

// short returns the first bytes of a hash, as people compare them.
func short(hash []byte) []byte { return hash[:min(len(hash), 6)] }

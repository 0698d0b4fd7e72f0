package view

import (
	"fmt"
	"strings"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// namedMost is how many nodes of which the same is to be said are named.
const namedMost = 20

// Elsewhere shows what a break-glass command would do as the other nodes of the mesh see it: who
// says the same, what the others say, and who did not answer. It is "" without a mesh.
func (p Printer) Elsewhere(in *hostv1.SimulateResponse) string {
	if len(in.GetNodes()) == 0 {
		return ""
	}
	var same, large, differ []string
	var silent []*hostv1.NodeSimulation
	for _, n := range in.GetNodes() {
		name := Daemon(&meshosv1.DaemonRef{Id: n.GetNode(), Name: n.GetName()})
		switch {
		case n.GetUnanswered() != "":
			silent = append(silent, n)
		case n.GetSame():
			same = append(same, name)
		case n.GetBlastRadius() == nil:
			large = append(large, name)
		default:
			differ = append(differ, p.differs(name, n, in))
		}
	}
	var b strings.Builder
	b.WriteString(p.Color.Apply(Strong, "On the other nodes") + fmt.Sprintf("  %d of %d answered\n", len(in.GetNodes())-len(silent), len(in.GetNodes())))
	if len(same) > 0 {
		fmt.Fprintf(&b, "  the same on %s\n", fewNames(same))
	}
	for _, text := range differ {
		b.WriteString(text)
	}
	if len(large) > 0 {
		fmt.Fprintf(&b, "  something else on %s; meshos --node NAME explains each\n", fewNames(large))
	}
	for i, n := range silent {
		if i == namedMost {
			fmt.Fprintf(&b, "  %s\n", p.Color.Apply(Bad, fmt.Sprintf("no answer of %d more", len(silent)-i)))
			break
		}
		name := Daemon(&meshosv1.DaemonRef{Id: n.GetNode(), Name: n.GetName()})
		fmt.Fprintf(&b, "  %s\n", p.Color.Apply(Bad, fmt.Sprintf("no answer of %s: %s", name, Plain(n.GetUnanswered()))))
	}
	b.WriteString("  " + p.Color.Apply(Faint, "The hash is that of this node's simulation alone.") + "\n")
	return b.String()
}

// differs shows what a node says that the node that was asked does not.
func (p Printer) differs(name string, n *hostv1.NodeSimulation, in *hostv1.SimulateResponse) string {
	here := map[string]bool{}
	for _, w := range in.GetBlastRadius().GetWarnings() {
		here[w.GetDetail()] = true
	}
	there := n.GetBlastRadius()
	what := []string{}
	add := func(of, ids, hereIDs string) {
		if ids != hereIDs {
			what = append(what, of+" "+OrDash(ids))
		}
	}
	add("nodes", idsOr(there.GetAffectedNodes(), ""), idsOr(in.GetBlastRadius().GetAffectedNodes(), ""))
	add("chains", idsOr(there.GetAffectedReplicas(), ""), idsOr(in.GetBlastRadius().GetAffectedReplicas(), ""))
	add("daemons", daemonNames(there), daemonNames(in.GetBlastRadius()))
	text := "  on " + name
	if len(what) > 0 {
		text += ": " + strings.Join(what, "; ")
	}
	text += "\n"
	for _, w := range there.GetWarnings() {
		if !here[w.GetDetail()] {
			text += "    " + p.Color.Apply(Bad, "! "+Plain(w.GetDetail())) + "\n"
		}
	}
	return text
}

func daemonNames(b *meshosv1.BlastRadius) string {
	names := make([]string, 0, len(b.GetAffectedDaemons()))
	for _, d := range b.GetAffectedDaemons() {
		names = append(names, Daemon(d))
	}
	return strings.Join(names, ", ")
}

// fewNames lists names, as many as people read.
func fewNames(names []string) string {
	if more := len(names) - namedMost; more > 0 {
		return strings.Join(names[:namedMost], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

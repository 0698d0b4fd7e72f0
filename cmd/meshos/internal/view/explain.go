package view

import (
	"fmt"
	"strings"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// Explanation shows why a node acts on something or does not. Findings are grouped by arm:
// only the first one of a group names it.
func (p Printer) Explanation(e *hostv1.ExplainResponse) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", p.Color.Apply(Strong, Plain(e.GetSubject())), p.Color.Apply(Faint, "at tick "+idOf(e.GetTick())))
	width := 0
	for _, f := range e.GetFindings() {
		width = max(width, len([]rune(Plain(f.GetArm()))))
	}
	last := ""
	for _, f := range e.GetFindings() {
		arm := Plain(f.GetArm())
		shown := arm
		if arm == last {
			shown = ""
		}
		last = arm
		gap := strings.Repeat(" ", width-len([]rune(shown)))
		b.WriteString("  " + p.Color.Apply(Strong, shown) + gap + "  ")
		p.flow(&b, width+4, width+4, styled{text: Plain(f.GetText())})
	}
	return b.String()
}

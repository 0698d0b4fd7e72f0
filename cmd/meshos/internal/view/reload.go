package view

import (
	"fmt"
	"strings"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// Reloaded shows what became of a reload.
func (p Printer) Reloaded(r *hostv1.ReloadResponse) string {
	var b strings.Builder
	for _, w := range r.GetWarnings() {
		b.WriteString(p.Color.Apply(Warning, "warning:") + " " + Plain(w) + "\n")
	}
	if r.GetRejected() != "" {
		b.WriteString(p.Color.Apply(Bad, "Nothing was taken over: the file has mistakes.") + "\n" + Plain(r.GetRejected()) + "\n")
		return b.String()
	}
	p.changes(&b, "Taken over:", r.GetTakenOver())
	p.changes(&b, "Needs a restart of the node, and stays as it was until then:", r.GetNeedsRestart())
	if len(r.GetKept()) > 0 {
		b.WriteString(p.Color.Apply(Bad, "Plugins that keep their configuration:") + "\n")
		for _, kept := range r.GetKept() {
			b.WriteString("  " + Plain(kept) + "\n")
		}
	}
	if b.Len() == 0 {
		return "Nothing has changed.\n"
	}
	return b.String()
}

func (p Printer) changes(b *strings.Builder, title string, changes []*hostv1.ConfigChange) {
	if len(changes) == 0 {
		return
	}
	b.WriteString(title + "\n")
	for _, c := range changes {
		line := "  " + Plain(c.GetKey())
		if strings.Contains(c.GetKey(), ".") || strings.Contains(c.GetKey(), ":") { // a key of an entry, or of a section
			line += fmt.Sprintf(": %s → %s", orUnset(c.GetOld()), orUnset(c.GetNew()))
		}
		b.WriteString(line + "\n")
	}
}

func orUnset(value string) string {
	if value == "" {
		return "not set"
	}
	return Plain(value)
}

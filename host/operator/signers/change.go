package signers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Change is what a reload changed for one principal: a key that came, one that
// went, one in place of another, or another rule for the same one.
type Change struct {
	Name     string
	Old, New *Entry // nil for none
}

// String says it in words, with the fingerprints.
func (c Change) String() string {
	switch {
	case c.Old == nil:
		return fmt.Sprintf("operator %s: key %s added (%s)", c.Name, c.New.Key.Fingerprint(), c.New.rule())
	case c.New == nil:
		return fmt.Sprintf("operator %s: key %s removed", c.Name, c.Old.Key.Fingerprint())
	case c.Old.Key == c.New.Key:
		return fmt.Sprintf("operator %s: rules of key %s changed from %s to %s",
			c.Name, c.New.Key.Fingerprint(), c.Old.rule(), c.New.rule())
	}
	return fmt.Sprintf("operator %s: key %s replaced by %s (%s)",
		c.Name, c.Old.Key.Fingerprint(), c.New.Key.Fingerprint(), c.New.rule())
}

// rule shows what an entry says beside its key.
func (e Entry) rule() string {
	parts := []string{"principals " + strings.Join(e.Principals, ",")}
	for name, at := range map[string]time.Time{"valid-after": e.ValidAfter, "valid-before": e.ValidBefore} {
		if !at.IsZero() {
			parts = append(parts, name+" "+at.UTC().Format(time.RFC3339))
		}
	}
	if len(e.Namespaces) > 0 {
		parts = append(parts, "namespaces "+strings.Join(e.Namespaces, ","))
	}
	if !e.Touch {
		parts = append(parts, "no-touch-required")
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}

// Changes compares two sets, by name. Keys that went and keys that came for the
// same principal are paired in the order of the files.
func Changes(before, after *Set) []Change {
	gone, come := leftOver(before, after), leftOver(after, before)
	var out []Change
	take := func(pairs func(o, n Entry) bool) {
		for i := 0; i < len(gone); i++ {
			j := slices.IndexFunc(come, func(n Entry) bool { return pairs(gone[i], n) })
			if j < 0 {
				continue
			}
			out = append(out, Change{Name: come[j].Name(), Old: &gone[i], New: &come[j]})
			gone, come = without(gone, i), without(come, j)
			i--
		}
	}
	take(func(o, n Entry) bool { return o.Key == n.Key })
	take(func(o, n Entry) bool { return o.Name() == n.Name() })
	for i := range gone {
		out = append(out, Change{Name: gone[i].Name(), Old: &gone[i]})
	}
	for i := range come {
		out = append(out, Change{Name: come[i].Name(), New: &come[i]})
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// without gives a new list: what Changes points into must stay as it is.
func without(list []Entry, i int) []Entry {
	return append(slices.Clone(list[:i]), list[i+1:]...)
}

// leftOver lists the entries of a that b does not have just so.
func leftOver(a, b *Set) []Entry {
	var out []Entry
	for _, e := range a.entries {
		same := slices.ContainsFunc(b.byKey[e.Key], func(i int) bool { return b.entries[i].rule() == e.rule() })
		if !same {
			out = append(out, e)
		}
	}
	return out
}

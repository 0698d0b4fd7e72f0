package signers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/meshos/meshos/host/operator/sshsig"
)

// Change is what a reload changed for one principal: a key was added, removed or
// replaced, or the rules of a key changed.
type Change struct {
	Name     string
	Old, New *Entry // Old is nil for an added key, New for a removed one
}

// String describes the change, with the fingerprints.
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

// rule returns everything that an entry says except its key.
func (e *Entry) rule() string {
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

// Changes compares two sets and returns the changes by name. Removed and added keys of
// the same principal are paired in the order of the files.
func Changes(before, after *Set) []Change {
	gone, come := missing(before, after), missing(after, before)
	var out []Change
	gone, come, out = pair(gone, come, out, func(e *Entry) sshsig.Key { return e.Key })
	gone, come, out = pair(gone, come, out, (*Entry).Name)
	for _, e := range gone {
		out = append(out, Change{Name: e.Name(), Old: e})
	}
	for _, e := range come {
		out = append(out, Change{Name: e.Name(), New: e})
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// pair makes a change of each removed entry and the first added one with the same mark,
// and returns the entries that are left of both.
func pair[M comparable](gone, come []*Entry, out []Change, mark func(*Entry) M) (left, right []*Entry, _ []Change) {
	waiting := make(map[M][]*Entry)
	for _, e := range come {
		waiting[mark(e)] = append(waiting[mark(e)], e)
	}
	paired := make(map[*Entry]bool)
	for _, e := range gone {
		same := waiting[mark(e)]
		if len(same) == 0 {
			left = append(left, e)
			continue
		}
		out = append(out, Change{Name: same[0].Name(), Old: e, New: same[0]})
		paired[same[0]] = true
		waiting[mark(e)] = same[1:]
	}
	return left, slices.DeleteFunc(come, func(e *Entry) bool { return paired[e] }), out
}

// missing returns the entries of a that b does not have with the same rule.
func missing(a, b *Set) []*Entry {
	type keyRule struct {
		key  sshsig.Key
		rule string
	}
	known := make(map[keyRule]bool, len(b.entries))
	for i := range b.entries {
		known[keyRule{b.entries[i].Key, b.entries[i].rule()}] = true
	}
	var out []*Entry
	for i := range a.entries {
		if e := &a.entries[i]; !known[keyRule{e.Key, e.rule()}] {
			out = append(out, e)
		}
	}
	return out
}

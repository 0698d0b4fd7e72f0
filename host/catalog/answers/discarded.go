package answers

import (
	"fmt"
	"maps"
	"slices"

	"github.com/meshos/meshos/internal/plaintext"
)

// exampleLength bounds the example of a reason, in bytes.
const exampleLength = 1000

// Discarded counts items that were discarded from answers, by reason. The zero value
// counts none.
type Discarded struct {
	byReason map[string]*reasonCount
}

// reasonCount counts the items that were discarded for one reason.
type reasonCount struct {
	n     uint64
	first string // which was the first
}

// Add counts an item that was discarded. format and args say which.
func (d *Discarded) Add(reason, format string, args ...any) {
	if c := d.byReason[reason]; c != nil {
		c.n++
		return
	}
	d.put(reason, reasonCount{1, plaintext.Clean(fmt.Sprintf(format, args...), exampleLength)})
}

// Merge adds what another answer counted. It returns the reasons that are new, each
// with its example, in alphabetical order.
func (d *Discarded) Merge(other Discarded) (fresh []string) {
	for _, reason := range other.reasons() {
		more := other.byReason[reason]
		if c := d.byReason[reason]; c != nil {
			c.n += more.n
			continue
		}
		d.put(reason, *more)
		fresh = append(fresh, fmt.Sprintf("%s (%s)", reason, more.first))
	}
	return fresh
}

// Warnings returns a line for people about each reason, in alphabetical order.
func (d *Discarded) Warnings() []string {
	var out []string
	for _, reason := range d.reasons() {
		c := d.byReason[reason]
		out = append(out, fmt.Sprintf("discarded from its answers %d times: %s (first: %s)", c.n, reason, c.first))
	}
	return out
}

func (d *Discarded) put(reason string, c reasonCount) {
	if d.byReason == nil {
		d.byReason = make(map[string]*reasonCount)
	}
	d.byReason[reason] = &c
}

func (d *Discarded) reasons() []string { return slices.Sorted(maps.Keys(d.byReason)) }

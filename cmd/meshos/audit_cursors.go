package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
)

// heldCheck compares a chain with what appenders hold of it. A chain proves itself from
// its first record on, but not that it did not go on: records that were cut off its
// end, all of them whole, leave nothing behind but the cursor of who has a copy.
type heldCheck struct {
	held []records.Cursor // of this chain
	last uint64         // number of the newest entry
	bad  []string
}

// heldBeside gives what appenders hold of the chains in dir, a folder of records or
// that of one chain; then nothing is said of the others.
func heldBeside(dir string, chains []chainDir) ([]records.Cursor, error) {
	if len(chains) != 1 || chains[0].fs.Dir() != dir {
		return records.ReadCursors(dir)
	}
	held, err := records.ReadCursors(filepath.Join(dir, ".."))
	return slices.DeleteFunc(held, func(h records.Cursor) bool { return h.Chain != chains[0].name }), err
}

// warnCursors says that the cursors of some appenders can't be read, so that nobody
// knows how far these records once went.
func (a *app) warnCursors(err error) {
	for line := range strings.Lines(err.Error()) {
		_, _ = fmt.Fprintf(a.err, "warning: %s\n", view.Plain(strings.TrimSuffix(line, "\n")))
	}
}

// showMissing names the chains that appenders hold and that are not there, and gives
// how many they are.
func (a *app) showMissing(chains []chainDir, held []records.Cursor) int {
	missing := map[string]bool{}
	for _, h := range held {
		if missing[h.Chain] || slices.ContainsFunc(chains, func(c chainDir) bool { return c.name == h.Chain }) {
			continue
		}
		missing[h.Chain] = true
		_, _ = fmt.Fprintf(a.out, "%-8s %s: %s holds record %d of them\n", h.Chain, a.color(a.out).Apply(view.Bad, "missing"), view.Plain(h.Appender), h.Number)
	}
	return len(missing)
}

// heldOf leaves those of one chain.
func heldOf(name string, all []records.Cursor) *heldCheck {
	c := &heldCheck{}
	for _, h := range all {
		if h.Chain == name {
			c.held = append(c.held, h)
		}
	}
	return c
}

// see looks at one entry.
func (c *heldCheck) see(e segment.Entry, number uint64) {
	c.last = number
	for _, h := range c.held {
		if h.Number == number && (h.Epoch != e.Epoch || h.Seq != e.Seq) {
			c.bad = append(c.bad, fmt.Sprintf("%s holds another record %d (seq %d of epoch %016x) than stands there (seq %d of epoch %016x)",
				h.Appender, number, h.Seq, h.Epoch, e.Seq, e.Epoch))
		}
	}
}

// end says what is missing behind the newest entry. Behind damage there is more than is
// believed, so nothing is said then.
func (c *heldCheck) end(r durable.Report) {
	if len(r.Damage) > 0 {
		return
	}
	for _, h := range c.held {
		if h.Number > c.last {
			c.bad = append(c.bad, fmt.Sprintf("it ends with record %d, and %s holds record %d (seq %d of epoch %016x): what comes after %d was cut off or taken away",
				c.last, h.Appender, h.Number, h.Seq, h.Epoch, c.last))
		}
	}
}

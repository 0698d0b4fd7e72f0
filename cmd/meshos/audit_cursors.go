package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
)

// cursorCheck compares a chain with the cursors of the appenders. A chain proves by itself
// that none of its records was changed, but not that it once had more of them: where intact
// records were cut off its end, only an appender's cursor shows it. A copy that was made while
// the node wrote has newer cursors than records, too: its files were last written before the
// appender stored what is missing in them, and not after that.
type cursorCheck struct {
	folder  disk.FS
	cursors []records.Cursor // of this chain
	last    uint64           // number of the newest entry
	bad     []string
	copied  []string // what a copy lacks that was made while the node wrote
}

// readCursors reads the cursors for the chains in dir, which is a folder of records or the
// folder of a single chain. For a single chain it leaves out the cursors of all others.
func readCursors(dir string, chains []chainDir) ([]records.Cursor, error) {
	if len(chains) != 1 || chains[0].fs.Dir() != dir {
		return records.ReadCursors(dir)
	}
	cursors, err := records.ReadCursors(filepath.Join(dir, ".."))
	return slices.DeleteFunc(cursors, func(c records.Cursor) bool { return c.Chain != chains[0].name }), err
}

// warnOfCursors names the cursors that can't be read. Without them nothing shows whether
// the chains once had more records.
func (a *app) warnOfCursors(err error) {
	for line := range strings.Lines(err.Error()) {
		_, _ = fmt.Fprintf(a.err, "warning: %s\n", view.Plain(strings.TrimSuffix(line, "\n")))
	}
}

// showMissing names the chains of which an appender has records and which are not there. It
// returns their number.
func (a *app) showMissing(chains []chainDir, cursors []records.Cursor) int {
	missing := map[string]bool{}
	for _, cursor := range cursors {
		if missing[cursor.Chain] || slices.ContainsFunc(chains, func(c chainDir) bool { return c.name == cursor.Chain }) {
			continue
		}
		missing[cursor.Chain] = true
		_, _ = fmt.Fprintf(a.out, "%-8s %s: %s has its record %d\n",
			cursor.Chain, a.color(a.out).Apply(view.Bad, "missing"), view.Plain(cursor.Appender), cursor.Number)
	}
	return len(missing)
}

// newCursorCheck returns the check of one chain.
func newCursorCheck(chain chainDir, all []records.Cursor) *cursorCheck {
	c := &cursorCheck{folder: chain.fs}
	for _, cursor := range all {
		if cursor.Chain == chain.name {
			c.cursors = append(c.cursors, cursor)
		}
	}
	return c
}

// see takes the next entry of the chain.
func (c *cursorCheck) see(e segment.Entry, number uint64) {
	c.last = number
	for _, cursor := range c.cursors {
		if cursor.Number == number && (cursor.Epoch != e.Epoch || cursor.Seq != e.Seq) {
			c.bad = append(c.bad, fmt.Sprintf("%s has another record %d (seq %d of epoch %016x) than the chain (seq %d of epoch %016x)",
				cursor.Appender, number, cursor.Seq, cursor.Epoch, e.Seq, e.Epoch))
		}
	}
}

// end looks for records that are missing after the newest entry. A damaged chain is not
// judged: the records after the damage may be there, but are not valid.
func (c *cursorCheck) end(r durable.Report) {
	if len(r.Damage) > 0 {
		return
	}
	changed := lastWritten(c.folder)
	for _, cursor := range c.cursors {
		switch {
		case cursor.Number <= c.last:
		case !changed.IsZero() && changed.Before(cursor.At):
			c.copied = append(c.copied, fmt.Sprintf("%s holds record %d since %s, %d more than are here; these files were last written %s before that",
				cursor.Appender, cursor.Number, cursor.At.Format(time.RFC3339), cursor.Number-c.last, cursor.At.Sub(changed).Round(time.Millisecond)))
		default:
			c.bad = append(c.bad, fmt.Sprintf("the chain ends with record %d, but %s has record %d (seq %d of epoch %016x): the records after %d were cut off or removed",
				c.last, cursor.Appender, cursor.Number, cursor.Seq, cursor.Epoch, c.last))
		}
	}
}

// lastWritten returns when a folder of records was last changed: a file in it was written, or
// one was added or removed. It is zero if that can't be told.
func lastWritten(folder disk.FS) (latest time.Time) {
	names, err := folder.List()
	if err != nil {
		return time.Time{}
	}
	for _, name := range append(names, ".") {
		info, err := os.Stat(filepath.Join(folder.Dir(), name))
		if err != nil {
			return time.Time{}
		}
		if info.ModTime().After(latest) {
			latest = info.ModTime()
		}
	}
	return latest
}

// showCopied says that a copy is older than what lies beside it. That is no damage.
func (a *app) showCopied(copied []string) {
	if len(copied) == 0 {
		return
	}
	_, _ = fmt.Fprintf(a.out, "         %s: the end of the chain is missing in this copy\n", a.color(a.out).Apply(view.Warning, "copied while the node wrote"))
	a.showPlaces(copied)
	_, _ = fmt.Fprintln(a.out, "         `meshos records backup` makes a copy that is complete; verify the node's own folder to be sure that nothing was cut off there")
}

package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/segment"
)

// Report is what Walk found in a folder.
type Report struct {
	Files   int    // that are believed, in part at least
	Records uint64 // that are believed
	First   uint64 // number of the first entry that is kept
	// Gaps counts the rows of records that were lost before they could be written and
	// are marked so; Missing the records in them.
	Gaps    int
	Missing uint64
	// Unfinished is the end of a record that is being written, or that the next start
	// cuts off. It is no damage.
	Unfinished *segment.DamageError
	// Damage is what is wrong, with its place, in the order of the chain. Empty: every
	// record is as it was written.
	Damage []*segment.DamageError
	// Aside counts files of which nothing is believed.
	Aside int
}

// Walk reads a chain and checks every byte that is believed: checksums, links, gaps,
// and with visit each record. It changes nothing and may run beside a node. Visit is
// given believed entries in order; its error is damage at that record, and the next
// goes on. The error of Walk is one of the file system.
func Walk(folder disk.FS, chain string, visit func(e segment.Entry, number uint64) error) (Report, error) {
	for attempt := 0; ; attempt++ {
		s, err := take(folder, chain)
		if errors.Is(err, fs.ErrNotExist) && attempt < 3 {
			continue // a file was dropped for its age meanwhile
		}
		if err != nil {
			return Report{}, err
		}
		w := walk{folder: folder, chain: chain, visit: visit}
		w.report = Report{Unfinished: s.torn, Damage: s.damage, Aside: len(s.aside), First: 1}
		if len(s.believed) > 0 {
			w.report.First = s.believed[0].first
		}
		for i, h := range s.believed {
			if !w.file(h) {
				w.report.Aside += len(s.believed) - 1 - i
				break
			}
		}
		return w.report, nil
	}
}

// walk is one reading of a chain.
type walk struct {
	folder disk.FS
	chain  string
	visit  func(e segment.Entry, number uint64) error
	report Report
	began  bool
	epoch  uint64
	seq    uint64
}

// file reads one file up to where it is believed, and says whether to go on.
func (w *walk) file(h held) bool {
	name := path(w.folder, h.number)
	f, err := w.folder.Open(nameOf(h.number))
	if errors.Is(err, fs.ErrNotExist) && !keepsAll(w.chain) {
		return true // dropped for its age meanwhile
	}
	if err != nil {
		w.damage(&segment.DamageError{File: name, Cause: err})
		return false
	}
	defer func() { _ = f.Close() }()
	w.report.Files++
	r, err := segment.NewReader(name, f, h.end.Offset)
	if err != nil {
		w.damage(damageOf(err, name, segment.End{}))
		return false
	}
	for {
		at := r.End()
		e, number, err := r.Next()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			w.damage(damageOf(err, name, at))
			return false
		}
		if err := w.entry(e, number); err != nil {
			w.damage(&segment.DamageError{File: name, Offset: at.Offset, Number: number, Cause: err})
		}
	}
}

func (w *walk) damage(d *segment.DamageError) {
	for _, known := range w.report.Damage {
		if known.File == d.File && known.Offset == d.Offset {
			return
		}
	}
	w.report.Damage = append(w.report.Damage, d)
}

// entry checks that a record is the one that has to come.
func (w *walk) entry(e segment.Entry, number uint64) error {
	want := uint64(1)
	if w.began && e.Epoch == w.epoch {
		want = w.seq + 1
	}
	missing := e.First() != want && (w.began || want == 1 && number == 1)
	w.began, w.epoch, w.seq = true, e.Epoch, e.Seq
	if e.Kind == segment.KindGap {
		w.report.Gaps++
		w.report.Missing += e.Missing
	} else {
		w.report.Records++
	}
	if missing {
		return fmt.Errorf("seq %d of epoch %d comes where seq %d has to, and no gap is marked", e.First(), e.Epoch, want)
	}
	if w.visit == nil {
		return nil
	}
	return w.visit(e, number)
}

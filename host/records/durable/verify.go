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
	Files   int    // that are valid, in part at least
	Records uint64 // that are valid
	First   uint64 // number of the first entry that is kept
	// Gaps counts the marks that stand for records that were lost before they could be
	// written; Missing counts these records.
	Gaps    int
	Missing uint64
	// Unfinished is the incomplete record at the end: it is being written, or the next start
	// cuts it off. It is not damage.
	Unfinished *segment.DamageError
	// Damage is what is wrong, with its place, in the order of the chain. Empty: every
	// record is as it was written.
	Damage []*segment.DamageError
	// Quarantined counts files of which nothing is valid.
	Quarantined int
}

// Walk reads a chain and checks every byte that counts as valid: checksums, links, gaps. It
// changes nothing and may run beside a node. Visit, if set, is called with each valid entry
// in order; an error of it is damage at that record, and Walk goes on with the next one. The
// error of Walk is one of the file system.
func Walk(folder disk.FS, chain string, visit func(e segment.Entry, number uint64) error) (Report, error) {
	for attempt := 0; ; attempt++ {
		s, err := recoverChain(folder, chain)
		if errors.Is(err, fs.ErrNotExist) && attempt < 3 {
			continue // the node dropped a file meanwhile
		}
		if err != nil {
			return Report{}, err
		}
		w := walk{folder: folder, chain: chain, visit: visit}
		w.report = Report{Unfinished: s.torn, Damage: s.damage, Quarantined: len(s.quarantined), First: 1}
		if len(s.valid) > 0 {
			w.report.First = s.valid[0].first
		}
		for i, seg := range s.valid {
			if !w.file(seg) {
				w.report.Quarantined += len(s.valid) - 1 - i
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

// file reads one file up to where it is valid, and reports whether to go on.
func (w *walk) file(seg segmentInfo) bool {
	name := path(w.folder, seg.number)
	f, err := w.folder.Open(nameOf(seg.number))
	if errors.Is(err, fs.ErrNotExist) && !keepsAll(w.chain) {
		return true // the node dropped it meanwhile
	}
	if err != nil {
		w.damage(&segment.DamageError{File: name, Cause: err})
		return false
	}
	defer func() { _ = f.Close() }()
	w.report.Files++
	r, err := segment.NewReader(name, f, seg.end.Offset)
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

// entry checks that an entry is the one that has to come next, and visits it.
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
		return fmt.Errorf("seq %d of epoch %d comes where seq %d is due, and no gap is marked", e.First(), e.Epoch, want)
	}
	if w.visit == nil {
		return nil
	}
	return w.visit(e, number)
}

package main

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// readFolder calls visit with the records of a chain in a folder, which no node need run on.
// Damaged records are left out, with a warning, and are an error in the end.
func readFolder[M any](a *app, dir string, in *hostv1.TailRequest, c chain[M], visit func(*M) error) error {
	dir, chains, err := a.recordDirs([]string{dir})
	if err != nil {
		return err
	}
	for _, folder := range chains {
		if folder.name != c.name {
			continue
		}
		f := folderReader[M]{chain: c, in: in, visit: visit}
		report, err := durable.Walk(folder.fs, folder.name, f.see)
		if err == nil {
			err = f.finish()
		}
		if err != nil {
			return err
		}
		for _, d := range report.Damage {
			_, _ = fmt.Fprintf(a.err, "warning: %s\n", view.Plain(d.Error()))
		}
		if len(report.Damage) > 0 {
			return fmt.Errorf("%s is damaged; only the intact records are shown", dir)
		}
		return nil
	}
	return fmt.Errorf("%s has no %s records", dir, c.name)
}

// folderReader chooses records as a node does.
type folderReader[M any] struct {
	chain[M]
	in    *hostv1.TailRequest
	visit func(*M) error
	kept  []*M // the newest, of which as many are shown as are wanted
	err   error
}

func (f *folderReader[M]) see(e segment.Entry, _ uint64) error {
	if e.Kind != segment.KindRecord || f.err != nil {
		return nil
	}
	record, err := records.Decode(f.name, e)
	if err != nil {
		return err
	}
	m := f.stored(record)
	at := f.at(m).AsTime()
	if f.in.GetSince() != nil && at.Before(f.in.GetSince().AsTime()) || !f.before(at) || f.wanted != nil && !f.wanted(m) {
		return nil
	}
	most := int(f.in.GetNewest())
	if most == 0 {
		f.err = f.visit(m)
		return nil
	}
	if len(f.kept) >= 2*most {
		f.kept = append([]*M(nil), f.kept[len(f.kept)-most:]...)
	}
	f.kept = append(f.kept, m)
	return nil
}

func (f *folderReader[M]) before(at time.Time) bool {
	return f.in.GetUntil() == nil || at.Before(f.in.GetUntil().AsTime())
}

// finish shows what was kept.
func (f *folderReader[M]) finish() error {
	for _, m := range f.kept[max(0, len(f.kept)-int(f.in.GetNewest())):] {
		if f.err != nil {
			break
		}
		f.err = f.visit(m)
	}
	return f.err
}

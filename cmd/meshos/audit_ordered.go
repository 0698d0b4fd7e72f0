package main

import (
	"fmt"
	"path/filepath"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/ordered"
	"github.com/meshos/meshos/internal/readfile"
)

// orderedDir returns the folder of the ordered log in a data directory, or the folder itself
// if it is one; "" for none.
func orderedDir(dir string) string {
	if folderName(dir) == ordered.Folder {
		return dir
	}
	in := filepath.Join(dir, ordered.Folder)
	if info, err := readfile.Stat(in); err == nil && info.IsDir() {
		return in
	}
	return ""
}

// showOrders checks an ordered log and prints the result. It returns in how many places the
// log is damaged.
func (a *app) showOrders(dir string) (int, error) {
	report, err := ordered.Verify(dir)
	if err != nil {
		return 0, err
	}
	a.showReport(ordered.Folder, report.Report, report.Problems)
	a.showCopied(report.Copied)
	return len(report.Damage) + len(report.Problems), nil
}

// verifyOrders checks an ordered log alone.
func (a *app) verifyOrders(dir string) error {
	damaged, err := a.showOrders(dir)
	if err == nil && damaged > 0 {
		err = fmt.Errorf("%s is damaged in %s; make a copy before anything else writes there", dir, view.Counted(damaged, "place"))
	}
	return err
}

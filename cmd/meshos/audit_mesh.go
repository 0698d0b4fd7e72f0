package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/meshlog"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
)

// showMesh checks a node's record of the log of its mesh, in a data directory, and what it goes on
// from if its beginning was dropped. It prints the result, and returns in how many places that is
// damaged.
func (a *app) showMesh(dataDir string) (int, error) {
	dir := meshlog.Dir(dataDir)
	folder, err := disk.Existing(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	report, err := durable.Walk(folder, "mesh", nil)
	if err != nil {
		return 0, err
	}
	var bad []string
	base, err := meshlog.ReadBase(dir)
	switch {
	case err != nil:
		bad = append(bad, err.Error())
	case base == nil && report.First > 1:
		bad = append(bad, "its beginning is missing, and nothing stands for it: the node fetches all of it from the mesh when it starts")
	}
	missing := report.Missing
	report.Gaps = 0 // nothing was lost: it goes on elsewhere
	a.showReport("mesh", report, bad)
	if missing > 0 {
		_, _ = fmt.Fprintf(a.out, "         %s it never had: it went on from a checkpoint\n", view.Counted(int(missing), "order"))
	}
	if base != nil {
		_, _ = fmt.Fprintf(a.out, "         it goes on from the checkpoint of height %d, which stands for what is before it\n", base.Height())
	}
	return len(report.Damage) + len(bad), nil
}

package ordered

import (
	"errors"
	"fmt"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
)

// Folder is the name of the log's folder in a data directory.
const Folder = "ordered"

// Report is what Verify found.
type Report struct {
	durable.Report
	Height   uint64   // of the newest order that is valid
	Problems []string // what is wrong with the checkpoints
}

// Verify reads the folder of an ordered log and checks every byte of it: the checksums, that
// each order continues the one before, and that the checkpoint belongs to the log. It
// changes nothing and may run beside a node.
func Verify(dir string) (Report, error) {
	var out Report
	newest, err := readCheckpoint(dir, checkpointName) // first, since a running node goes on
	if err != nil {
		out.Problems = append(out.Problems, fmt.Sprintf("%s/%s: %v", dir, checkpointName, err))
	}
	if _, err := readCheckpoint(dir, baseName); err != nil {
		out.Problems = append(out.Problems, fmt.Sprintf("%s/%s: %v", dir, baseName, err))
	}
	folder, err := disk.Existing(dir)
	if err != nil {
		return out, err
	}
	last, met := place{}, false
	out.Report, err = durable.Walk(folder, chainName, func(raw segment.Entry, number uint64) error {
		e, err := decode(raw.Data)
		if err != nil {
			return err
		}
		before := last
		last = place{height: e.GetHeight(), head: hashOf(raw.Data), record: number}
		if number == newest.GetRecord() {
			met = true
			if string(last.head[:]) != string(newest.GetHead()) {
				return errors.New("it is not the order up to which the checkpoint goes")
			}
		}
		if before.height > 0 && (last.height != before.height+1 || string(e.GetPrev()) != string(before.head[:])) {
			return fmt.Errorf("the order at height %d does not continue the one at height %d", last.height, before.height)
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	out.Height = max(last.height, newest.GetState().GetHeight())
	if newest.GetRecord() > 0 && !met && len(out.Damage) == 0 {
		out.Problems = append(out.Problems, fmt.Sprintf("%s: the log does not hold the order at height %d, up to which the checkpoint goes", dir, newest.GetState().GetHeight()))
	}
	return out, nil
}

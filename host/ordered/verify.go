package ordered

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

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
	Last     uint64   // number of the newest entry of the log
	Problems []string // what is wrong with the checkpoints
	// Copied says what a copy lacks that was made while the node wrote: the checkpoint in it
	// is newer than the log. That is no damage.
	Copied []string
}

// writtenBefore reports whether all files of a log were last written before a time.
func writtenBefore(folder disk.FS, t time.Time) bool {
	names, err := folder.List()
	if err != nil {
		return false
	}
	some := false
	for _, name := range names {
		if !strings.HasSuffix(name, ".rec") {
			continue
		}
		info, err := os.Stat(filepath.Join(folder.Dir(), name))
		if err != nil || !info.ModTime().Before(t) {
			return false
		}
		some = true
	}
	return some
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
	out.Last = last.record
	out.Height = max(last.height, newest.GetState().GetHeight())
	if newest.GetRecord() > last.record && len(out.Damage) == 0 && writtenBefore(folder, newest.GetTakenAt().AsTime()) {
		out.Copied = append(out.Copied, fmt.Sprintf("the checkpoint of %s goes up to height %d, the log ends with height %d and was last written before that",
			newest.GetTakenAt().AsTime().Format(time.RFC3339), newest.GetState().GetHeight(), last.height))
		return out, nil
	}
	if newest.GetRecord() > 0 && !met && len(out.Damage) == 0 {
		out.Problems = append(out.Problems, fmt.Sprintf("%s: the log does not hold the order at height %d, up to which the checkpoint goes", dir, newest.GetState().GetHeight()))
	}
	return out, nil
}

package ordered

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/internal/readfile"
)

// copyAttempts is how often Copy begins again because the node trimmed its log meanwhile.
const copyAttempts = 5

// Copy brings a copy of an ordered log up to date, from one folder to another, while a node
// may write to it. The checkpoints are read before the log, so that the copy of the log holds
// what they belong to.
func Copy(ctx context.Context, from, to string) (copied durable.Copied, report Report, err error) {
	source, err := disk.Existing(from)
	if err != nil {
		return copied, report, err
	}
	for range copyAttempts {
		var before, after [2][]byte
		if before, err = checkpoints(from); err != nil {
			return copied, report, err
		}
		done, err := durable.Copy(ctx, source, to, chainName)
		copied = durable.Copied{Files: copied.Files + done.Files, Bytes: copied.Bytes + done.Bytes, Removed: copied.Removed + done.Removed}
		if err != nil {
			return copied, report, err
		}
		if after, err = checkpoints(from); err != nil {
			return copied, report, err
		}
		for i, name := range []string{baseName, checkpointName} {
			if before[i] == nil {
				continue
			}
			if err := renameio.WriteFile(filepath.Join(to, name), before[i], 0o600, renameio.WithTempDir(to)); err != nil {
				return copied, report, fmt.Errorf("copy the checkpoint of orders: %w", err)
			}
		}
		if err := syncDir(to); err != nil {
			return copied, report, err
		}
		if report, err = Verify(to); err != nil {
			return copied, report, err
		}
		if bytes.Equal(before[0], after[0]) && len(report.Problems)+len(report.Copied) == 0 {
			break
		}
	}
	return copied, report, nil
}

// checkpoints returns the base and the newest checkpoint of a folder, nil for none.
func checkpoints(dir string) (out [2][]byte, err error) {
	for i, name := range []string{baseName, checkpointName} {
		raw, err := readfile.ReadWithin(filepath.Join(dir, name), maxCheckpoint, readWithin)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return out, fmt.Errorf("copy the checkpoint of orders: %w", err)
		}
		out[i] = raw
	}
	return out, nil
}

package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/datadir"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/ordered"
	"github.com/meshos/meshos/host/records"
)

// RestoreOptions are what Restore needs.
type RestoreOptions struct {
	Dir     string // of the backup
	DataDir string // of the node, which must not run
	Node    uint64
	Now     time.Time
	// FutureSkew is how far ahead of the clock commands may have been issued that the node
	// accepted before.
	FutureSkew time.Duration
}

// HasDataError means that a data directory holds what a restore would replace.
type HasDataError struct{ Dir, File string }

// Error implements error.
func (e *HasDataError) Error() string {
	return fmt.Sprintf("%s has data already (%s): a backup is restored only where there is none; move the folders %s, %s, %s and %s in it away first",
		e.Dir, e.File, recordsDir, ordered.Folder, operator.Folder, meshDir)
}

// stagingName is the folder in which a restore is put together before it counts.
const stagingName = ".restore"

// folders are those of a backup, in the order in which they get their place: the memory of
// accepted commands first, so that no command counts twice.
func folders() []string { return []string{operator.Folder, meshDir, ordered.Folder, recordsDir} }

// Restore puts a backup, after it checked every byte, into the data directory of a node that
// does not run and has no data. Commands that were issued up to now are rejected by the node
// that begins with it: the backup does not know which of them were accepted since it was made.
func Restore(ctx context.Context, o RestoreOptions) (*Manifest, error) {
	m, err := verified(o)
	if err != nil {
		return nil, err
	}
	unlock, err := datadir.Lock(o.DataDir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unlock() }()
	if file, err := data(o.DataDir); err != nil || file != "" {
		return nil, errors.Join(err, orNil(file, &HasDataError{Dir: o.DataDir, File: file}))
	}
	staging := filepath.Join(o.DataDir, stagingName)
	if err := os.RemoveAll(staging); err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	defer func() { _ = os.RemoveAll(staging) }()
	if err := stage(ctx, o, m, staging); err != nil {
		return nil, err
	}
	for _, name := range folders() {
		target := filepath.Join(o.DataDir, name)
		if err := os.RemoveAll(target); err != nil { // it has no file in it
			return nil, fmt.Errorf("restore: %w", err)
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return nil, fmt.Errorf("restore: %w", err)
		}
		err := os.Rename(filepath.Join(staging, name), target)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("restore: %w", err)
		}
	}
	return m, syncDir(o.DataDir)
}

func orNil(file string, err error) error {
	if file == "" {
		return nil
	}
	return err
}

// verified returns the manifest of a backup that is whole.
func verified(o RestoreOptions) (*Manifest, error) {
	m, err := ReadManifest(o.Dir)
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		return nil, &NoBackupError{Dir: o.Dir, Why: "it has no " + manifestName}
	case !m.Complete:
		return nil, &NoBackupError{Dir: o.Dir, Why: "it was interrupted before it was complete; make it again"}
	case m.Node != o.Node:
		return nil, fmt.Errorf("restore: %s is a backup of node %d, and this is node %d (node.id)", o.Dir, m.Node, o.Node)
	}
	for name, want := range m.Chains {
		got, damage, last, err := checkAny(o.Dir, name)
		if err != nil {
			return nil, fmt.Errorf("restore: %w", err)
		}
		if len(damage) > 0 {
			return nil, fmt.Errorf("restore: the backup is damaged, and nothing was restored: %s; `meshos audit verify %s` shows all", damage[0], o.Dir)
		}
		if got != want || last != want.Last {
			return nil, fmt.Errorf("restore: the backup is not as it was made, and nothing was restored: its %s chain has %d records up to number %d, %s says %d up to %d",
				name, got.Records, got.Last, manifestName, want.Records, want.Last)
		}
	}
	return m, nil
}

func checkAny(dir, name string) (got Chain, damage []string, last uint64, err error) {
	if name == ordered.Folder {
		report, err := ordered.Verify(filepath.Join(dir, name))
		return chainOf(report.Report, report.Last), append(append(texts(report.Report), report.Problems...), report.Copied...), report.Last, err
	}
	folder := filepath.Join(dir, recordsDir, name)
	if name == meshChain {
		folder = filepath.Join(dir, meshDir)
	}
	got, damage, err = check(folder, name)
	return got, damage, got.Last, err
}

// data returns a file of a data directory that a restore would replace; "" for none.
func data(dir string) (found string, err error) {
	for _, name := range folders() {
		err := filepath.WalkDir(filepath.Join(dir, name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				found = path
				return filepath.SkipAll
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("restore: %w", err)
		}
		if found != "" {
			return found, nil
		}
	}
	return "", nil
}

// stage puts together what the node will begin with.
func stage(ctx context.Context, o RestoreOptions, m *Manifest, staging string) error {
	info, err := os.Stat(o.DataDir)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	for _, name := range folders() {
		if err := copyTree(ctx, filepath.Join(o.Dir, name), filepath.Join(staging, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("restore: %w", err)
		}
	}
	floor := o.Now.Add(o.FutureSkew)
	if err := operator.RaiseFloor(staging, floor); err != nil {
		return err
	}
	said := fmt.Sprintf("this node's records were restored at %s from the backup of %s: audit records up to number %d, orders up to height %d; "+
		"what the node did since the backup is not in them, and commands that were issued up to %s are rejected",
		o.Now.UTC().Format(time.RFC3339), m.TakenAt.Format(time.RFC3339), m.Chains["audit"].Last, m.Height, floor.UTC().Format(time.RFC3339))
	if err := records.SayRestored(filepath.Join(staging, recordsDir), said); err != nil {
		return err
	}
	// Who restores may be root; the files are for the owner of the data directory.
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		return chown(staging, int(owner.Uid), int(owner.Gid))
	}
	return nil
}

func chown(dir string, uid, gid int) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Lchown(path, uid, gid)
		}
		if err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		return nil
	})
}

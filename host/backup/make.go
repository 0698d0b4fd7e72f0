package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/ordered"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	"github.com/meshos/meshos/internal/flock"
	"github.com/meshos/meshos/internal/readfile"
)

// Options are what Make needs.
type Options struct {
	DataDir string // of the node
	Node    uint64
	Dir     string // of the backup; it is made if it does not exist
	Version string // of meshos
	Now     time.Time
}

// Result is what was copied, and how the copy is.
type Result struct {
	Manifest
	Copied  map[string]durable.Copied `json:"copied"` // by chain
	Damage  []string                  `json:"damage,omitempty"`
	Missing []string                  `json:"-"` // what the node does not have
}

const (
	recordsDir = "records"
	cursorsDir = "cursors"
)

// Make makes a backup of a node's data directory, or brings one up to date, whether the node
// runs or not, and checks every byte of it. What was damaged already is copied as it is, and
// the Result tells.
func Make(ctx context.Context, o Options) (*Result, error) {
	if err := readable(o.DataDir); err != nil {
		return nil, err
	}
	if inside(o.Dir, o.DataDir, recordsDir) || inside(o.Dir, o.DataDir, ordered.Folder) || inside(o.Dir, o.DataDir, operator.Folder) || inside(o.Dir, o.DataDir, meshDir) || same(o.Dir, o.DataDir) {
		return nil, fmt.Errorf("backup: %s is where the node keeps what is to be copied; name another folder, best on another disk", o.Dir)
	}
	unlock, err := open(o)
	if err != nil {
		return nil, err
	}
	defer unlock()
	r := &Result{
		Manifest: Manifest{Format: format, Node: o.Node, Version: o.Version, TakenAt: o.Now.UTC(), Chains: map[string]Chain{}},
		Copied:   map[string]durable.Copied{},
	}
	if err := r.write(o.Dir); err != nil {
		return nil, err
	}
	// What refers to something goes before it: a cursor is never newer than the copied chain.
	if err := copyCursors(o.DataDir, o.Dir); err != nil {
		return nil, err
	}
	for _, chain := range records.Names() {
		if err := r.copyChain(ctx, o, chain); err != nil {
			return nil, err
		}
	}
	if err := r.copyOrders(ctx, o); err != nil {
		return nil, err
	}
	// Behind the orders: what their checkpoint has of the log of the mesh is in the copy of it.
	if err := r.copyMesh(ctx, o); err != nil {
		return nil, err
	}
	if err := operator.Copy(o.DataDir, o.Dir); err != nil {
		return nil, err
	}
	r.Complete = true
	return r, r.write(o.Dir)
}

// readable says what is wrong with a data directory of which nothing can be read.
func readable(dir string) error {
	_, err := os.ReadDir(filepath.Join(dir, recordsDir))
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("backup: %w; run this as the node's user, or as root", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("backup: %s has no records; name the configuration of the node with -c", dir)
	}
	return err
}

// inside reports whether a folder is, or is in, a folder of a data directory.
func inside(dir, dataDir, folder string) bool {
	rel, err := filepath.Rel(absolute(filepath.Join(dataDir, folder)), absolute(dir))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

func same(a, b string) bool { return absolute(a) == absolute(b) }

// absolute returns a path without links, as far as it exists.
func absolute(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real
	}
	if parent := filepath.Dir(abs); parent != abs {
		return filepath.Join(absolute(parent), filepath.Base(abs))
	}
	return abs
}

// open makes the folder of a backup, or looks whether it is one of this node, and keeps other
// backups out of it.
func open(o Options) (unlock func(), err error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	folder, err := os.Open(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	defer func() {
		if err != nil {
			_ = flock.Close(folder)
		}
	}()
	if err := flock.TryExclusive(folder); errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("backup: another backup is being made in %s", o.Dir)
	}
	m, err := ReadManifest(o.Dir)
	if err != nil {
		return nil, err
	}
	if m == nil {
		entries, err := os.ReadDir(o.Dir)
		if err != nil {
			return nil, fmt.Errorf("backup: %w", err)
		}
		if len(entries) > 0 {
			return nil, &NoBackupError{Dir: o.Dir, Why: "it is not empty and has no " + manifestName + "; name an empty folder, or one with an earlier backup of this node"}
		}
	}
	if m != nil && m.Node != o.Node {
		return nil, fmt.Errorf("backup: %s has a backup of node %d, this is node %d; name another folder", o.Dir, m.Node, o.Node)
	}
	return func() { _ = flock.Close(folder) }, nil
}

// copyCursors copies how far each appender holds the records.
func copyCursors(from, to string) error {
	source, target := filepath.Join(from, recordsDir, cursorsDir), filepath.Join(to, recordsDir, cursorsDir)
	entries, err := os.ReadDir(source)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := os.MkdirAll(target, 0o700); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") { // one that is being written
			continue
		}
		raw, err := readfile.Read(filepath.Join(source, e.Name()), readfile.MaxText)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = renameio.WriteFile(filepath.Join(target, e.Name()), raw, 0o600, renameio.WithTempDir(target))
		}
		if err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	}
	return nil
}

func (r *Result) copyChain(ctx context.Context, o Options, chain string) error {
	from, err := disk.Existing(filepath.Join(o.DataDir, recordsDir, chain))
	if errors.Is(err, fs.ErrNotExist) {
		r.Missing = append(r.Missing, chain)
		return nil
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	dir := filepath.Join(o.Dir, recordsDir, chain)
	copied, err := durable.Copy(ctx, from, dir, chain)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	r.Copied[chain] = copied
	state, damage, err := check(dir, chain)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	r.Chains[chain], r.Damage = state, append(r.Damage, damage...)
	return nil
}

func (r *Result) copyOrders(ctx context.Context, o Options) error {
	from := filepath.Join(o.DataDir, ordered.Folder)
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		r.Missing = append(r.Missing, ordered.Folder)
		return nil
	}
	copied, report, err := ordered.Copy(ctx, from, filepath.Join(o.Dir, ordered.Folder))
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	r.Copied[ordered.Folder] = copied
	r.Chains[ordered.Folder] = chainOf(report.Report, report.Last)
	r.Height = report.Height
	r.Damage = append(append(append(r.Damage, report.Problems...), report.Copied...), texts(report.Report)...)
	return nil
}

// meshDir is the folder of a node's record of the log of its mesh, and meshChain its name.
const (
	meshDir   = "mesh/log"
	meshChain = "mesh"
	meshBase  = "base"    // what it goes on from
	maxBase   = 256 << 20 // bytes of that
)

// copyMesh copies the record of the log of the mesh, if the node belongs to one. The node's key
// is not copied.
func (r *Result) copyMesh(ctx context.Context, o Options) error {
	from, err := disk.Existing(filepath.Join(o.DataDir, meshDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	to := filepath.Join(o.Dir, meshDir)
	if err := os.MkdirAll(to, 0o700); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	copied, err := durable.Copy(ctx, from, to, meshChain)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	// The base stands by itself, whatever part of the record is there: so it is copied behind it.
	if err := copyBase(from.Dir(), to); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	r.Copied[meshChain] = copied
	state, damage, err := check(to, meshChain)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	r.Chains[meshChain], r.Damage = state, append(r.Damage, damage...)
	return nil
}

// copyBase copies what the record of the log of the mesh goes on from, if its beginning was dropped.
func copyBase(from, to string) error {
	raw, err := readfile.Read(filepath.Join(from, meshBase), maxBase)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = renameio.WriteFile(filepath.Join(to, meshBase), raw, 0o600, renameio.WithTempDir(to))
	}
	if err != nil {
		return fmt.Errorf("copy what the log of the mesh goes on from: %w", err)
	}
	return syncDir(to)
}

// check reads every byte of a chain of a backup.
func check(dir, chain string) (state Chain, damage []string, err error) {
	folder, err := disk.Existing(dir)
	if err != nil {
		return state, nil, err
	}
	last := uint64(0)
	report, err := durable.Walk(folder, chain, func(_ segment.Entry, number uint64) error {
		last = number
		return nil
	})
	return chainOf(report, last), texts(report), err
}

func chainOf(r durable.Report, last uint64) Chain {
	return Chain{Files: r.Files, Records: r.Records, First: r.First, Last: last}
}

func texts(r durable.Report) (out []string) {
	for _, d := range r.Damage {
		out = append(out, d.Error())
	}
	return out
}

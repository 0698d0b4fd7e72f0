// Package diskfault is a folder in memory that can be full, break, or lose power.
// It distinguishes what was written from what was synced: after a loss of power only the
// latter is there for certain.
package diskfault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"

	"github.com/meshos/meshos/host/records/disk"
)

// Disk is the folder. Make it with New.
type Disk struct {
	mu    sync.Mutex
	files map[string]*node
	free  int64 // bytes that still fit, < 0 for any number
	// fault, if set, is called before each operation ("write", "sync", "create",
	// "read", "list", "remove", "truncate", "syncdir"); its error is the result.
	fault func(op, name string) error
}

type node struct {
	data      []byte
	synced    []byte
	named     bool // the name is durable
	lost      bool // a sync failed: what was not synced before will never be
	protected bool
}

// New returns an empty folder without a limit.
func New() *Disk { return &Disk{files: map[string]*node{}, free: -1} }

// SetFree sets how many bytes still fit; less than 0 for any number.
func (d *Disk) SetFree(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.free = n
}

// SetFault sets a function that is called before each operation, whose error is the result of
// the operation; nil for none.
func (d *Disk) SetFault(f func(op, name string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

// PowerLoss returns the folder as it may be found after a loss of power: of what was not
// synced any part may be there, cut anywhere, or zeros in its place.
func (d *Disk) PowerLoss(r *rand.Rand) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := New()
	for name, n := range d.files {
		if !n.named && r.IntN(2) == 0 {
			continue
		}
		data := slices.Clone(n.synced)
		if extra := len(n.data) - len(n.synced); extra > 0 {
			tail := slices.Clone(n.data[len(n.synced):][:r.IntN(extra+1)])
			if n.lost || r.IntN(3) == 0 {
				clear(tail)
			}
			data = append(data, tail...)
		}
		after.files[name] = &node{data: data, synced: slices.Clone(data), named: true}
	}
	return after
}

// Flip inverts one bit of a file, on disk as in memory.
func (d *Disk) Flip(name string, offset int64, bit uint) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[name].data[offset] ^= 1 << bit
	d.files[name].synced = slices.Clone(d.files[name].data)
}

// Set replaces a file's content.
func (d *Disk) Set(name string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[name] = &node{data: slices.Clone(data), synced: slices.Clone(data), named: true}
}

// Content returns a file's content.
func (d *Disk) Content(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.files[name].data)
}

// Protected reports whether a file is read-only.
func (d *Disk) Protected(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[name].protected
}

// Dir implements disk.FS.
func (d *Disk) Dir() string { return "DISK" }

func (d *Disk) ask(op, name string) error {
	if d.fault == nil {
		return nil
	}
	if err := d.fault(op, name); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

// List implements disk.FS.
func (d *Disk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("list", ""); err != nil {
		return nil, err
	}
	var names []string
	for name := range d.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// Open implements disk.FS.
func (d *Disk) Open(name string) (disk.File, error) { return d.open(name, false) }

// Append implements disk.FS.
func (d *Disk) Append(name string) (disk.File, error) { return d.open(name, true) }

func (d *Disk) open(name string, write bool) (disk.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("open", name); err != nil {
		return nil, err
	}
	n := d.files[name]
	if n == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if write && n.protected {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return &handle{d: d, n: n, name: name}, nil
}

// Create implements disk.FS.
func (d *Disk) Create(name string) (disk.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("create", name); err != nil {
		return nil, err
	}
	if d.files[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	n := &node{}
	d.files[name] = n
	return &handle{d: d, n: n, name: name}, nil
}

// Remove implements disk.FS.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("remove", name); err != nil {
		return err
	}
	if d.files[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if d.free >= 0 {
		d.free += int64(len(d.files[name].data))
	}
	delete(d.files, name)
	return nil
}

// Protect implements disk.FS.
func (d *Disk) Protect(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] != nil {
		d.files[name].protected = true
	}
	return nil
}

// SyncDir implements disk.FS.
func (d *Disk) SyncDir() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("syncdir", ""); err != nil {
		return err
	}
	for _, n := range d.files {
		n.named = true
	}
	return nil
}

type handle struct {
	d    *Disk
	n    *node
	name string
}

func (h *handle) Close() error { return nil }

func (h *handle) Size() (int64, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	return int64(len(h.n.data)), nil
}

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if err := h.d.ask("read", h.name); err != nil {
		return 0, err
	}
	if off >= int64(len(h.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes as much as still fits.
func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if err := h.d.ask("write", h.name); err != nil {
		return 0, err
	}
	var full error
	if h.d.free >= 0 && int64(len(p)) > h.d.free {
		p, full = p[:h.d.free], &fs.PathError{Op: "write", Path: h.name, Err: syscall.ENOSPC}
	}
	if off != int64(len(h.n.data)) {
		return 0, fmt.Errorf("write at %d of %d bytes: records are only ever appended", off, len(h.n.data))
	}
	h.n.data = append(h.n.data, p...)
	if h.d.free >= 0 {
		h.d.free -= int64(len(p))
	}
	return len(p), full
}

func (h *handle) Truncate(size int64) error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if err := h.d.ask("truncate", h.name); err != nil {
		return err
	}
	if size > int64(len(h.n.data)) {
		return errors.New("truncate to more than the size")
	}
	h.n.data = h.n.data[:size]
	return nil
}

// Sync makes what was written durable. After one that failed, later ones report success and
// do nothing, as kernels do.
func (h *handle) Sync() error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if err := h.d.ask("sync", h.name); err != nil {
		h.n.lost = true
		return err
	}
	if !h.n.lost {
		h.n.synced = slices.Clone(h.n.data)
	}
	return nil
}

// DropCache implements disk.File: it shows what the disk holds of a file whose sync failed.
func (h *handle) DropCache() {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.n.lost {
		h.n.data, h.n.lost = slices.Clone(h.n.synced), false
	}
}

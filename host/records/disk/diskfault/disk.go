// Package diskfault is a folder in memory that can be full, break, or lose power.
// It keeps apart what was written and what was synced: after a loss of power only
// the latter is there for certain.
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

// Disk is the folder. Its zero value is not usable; see New.
type Disk struct {
	mu    sync.Mutex
	files map[string]*node
	room  int64 // bytes that still fit, < 0 for any number
	// Fault, if set, is asked before each operation ("write", "sync", "create",
	// "read", "list", "remove", "truncate", "syncdir"); its error is the result.
	fault func(op, name string) error
}

type node struct {
	data      []byte
	synced    []byte
	named     bool // its name is durable
	lost      bool // a sync failed: what was not synced then never will be
	protected bool
}

// New gives an empty folder with room for everything.
func New() *Disk { return &Disk{files: map[string]*node{}, room: -1} }

// Room sets how many bytes still fit; less than 0 for any number.
func (d *Disk) Room(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = n
}

// Fault sets what is asked before each operation, nil for nothing.
func (d *Disk) Fault(f func(op, name string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

// PowerLoss gives the folder as it may be found after a loss of power: of what was
// not synced, any part may be there, cut anywhere, or zeros in its place.
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

// Content gives a file's content.
func (d *Disk) Content(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.files[name].data)
}

// Protected says whether a file may not be written to any more.
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
	if d.room >= 0 {
		d.room += int64(len(d.files[name].data))
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

// WriteAt writes what still fits, which may be a part.
func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if err := h.d.ask("write", h.name); err != nil {
		return 0, err
	}
	var full error
	if h.d.room >= 0 && int64(len(p)) > h.d.room {
		p, full = p[:h.d.room], &fs.PathError{Op: "write", Path: h.name, Err: syscall.ENOSPC}
	}
	if off != int64(len(h.n.data)) {
		return 0, fmt.Errorf("write at %d of %d bytes: records are only ever appended", off, len(h.n.data))
	}
	h.n.data = append(h.n.data, p...)
	if h.d.room >= 0 {
		h.d.room -= int64(len(p))
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
		return errors.New("truncate to more than there is")
	}
	h.n.data = h.n.data[:size]
	return nil
}

// Sync makes what was written durable. After one failed, later ones claim success
// without it, as kernels do.
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

// Forget shows what the disk holds of a file whose sync failed.
func (h *handle) Forget() {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.n.lost {
		h.n.data, h.n.lost = slices.Clone(h.n.synced), false
	}
}

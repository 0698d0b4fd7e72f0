package shim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/flock"
	"github.com/meshos/meshos/internal/unwritable"
)

// Folder is the folder of one daemon's files.
type Folder string

// FolderOf returns the folder of a daemon below the folder of all.
func FolderOf(all string, id mesh.DaemonID) Folder {
	return Folder(filepath.Join(all, strconv.FormatUint(uint64(id), 10)))
}

// Output returns the folder of the output's segments.
func (f Folder) Output() string { return filepath.Join(string(f), "output") }

// Cursor returns the file that holds how far the node has read the output.
func (f Folder) Cursor() string { return filepath.Join(string(f), "cursor") }

// Log returns the file that holds why the shim failed, if it did.
func (f Folder) Log() string { return filepath.Join(string(f), "shim.log") }

func (f Folder) state() string { return filepath.Join(string(f), "state.json") }

func (f Folder) left() string { return filepath.Join(string(f), "left.json") }

// StoreLeft stores which processes earlier runs left that go on; none removes the file.
func (f Folder) StoreLeft(ids []process.Identity) error {
	if len(ids) == 0 {
		if err := os.Remove(f.left()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("what the daemon left: %w", err)
		}
		return nil
	}
	text, err := json.Marshal(ids)
	if err == nil {
		err = os.WriteFile(f.left()+".next", append(text, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(f.left()+".next", f.left())
	}
	if err != nil {
		return fmt.Errorf("what the daemon left: %w", err)
	}
	return nil
}

// LoadLeft returns what StoreLeft stored.
func (f Folder) LoadLeft() (ids []process.Identity) {
	text, err := os.ReadFile(f.left())
	if err != nil || json.Unmarshal(text, &ids) != nil {
		return nil
	}
	return ids
}

// spare returns the file of a record that is not needed any more. Its space is.
func (f Folder) spare() string { return filepath.Join(string(f), "state.spare") }

func (f Folder) lock() string { return filepath.Join(string(f), "lock") }

// Make creates the folder.
func (f Folder) Make() error {
	if err := os.MkdirAll(f.Output(), 0o700); err != nil {
		return fmt.Errorf("folder of the daemon: %w", err)
	}
	return nil
}

// Load reads the record; fs.ErrNotExist if there is none.
func (f Folder) Load() (Record, error) {
	text, err := os.ReadFile(f.state())
	if err != nil {
		return Record{}, fmt.Errorf("record of the daemon: %w", err)
	}
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		return Record{}, fmt.Errorf("record of the daemon: %s: %w", f.state(), err)
	}
	return r, nil
}

// Store replaces the record atomically.
func (f Folder) Store(r Record) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("record of the daemon: %w", err)
	}
	next := f.state() + ".next"
	err = os.WriteFile(next, append(text, '\n'), 0o600)
	if err == nil {
		err = os.Rename(next, f.state())
	}
	if err != nil {
		return fmt.Errorf("record of the daemon: %w", err)
	}
	return nil
}

// KeepEnd notes in the record that the loop has taken the end in it.
func (f Folder) KeepEnd() error {
	r, err := f.Load()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was not started, or has no record
	}
	if err != nil || r.End == nil || r.End.Told {
		return err
	}
	r.End.Told = true
	return f.Store(r)
}

// RemoveRecord removes the record, and keeps its space for that of the next run.
func (f Folder) RemoveRecord() error {
	err := os.Rename(f.state(), f.spare())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = os.Remove(f.state())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("record of the daemon: %w", err)
	}
	return nil
}

// Remove removes the whole folder. No shim may use it.
func (f Folder) Remove() error {
	if err := os.RemoveAll(string(f)); err != nil {
		return fmt.Errorf("folder of the daemon: %w", err)
	}
	return nil
}

// Locked reports whether a shim holds the folder's lock.
func (f Folder) Locked() bool {
	lock, err := f.tryLock()
	if err != nil {
		return errors.Is(err, unix.EWOULDBLOCK)
	}
	_ = flock.Close(lock)
	return false
}

// Unlockable reports whether there is no lock, because the disk takes none.
func (f Folder) Unlockable() bool {
	lock, err := f.tryLock()
	if err == nil {
		_ = flock.Close(lock)
	}
	return unwritable.Is(err) || errors.Is(err, fs.ErrNotExist)
}

// ReadOnly reports whether the folder is on a file system that is read-only now. One that failed
// does not say so before something is written.
func (f Folder) ReadOnly() bool {
	probe, err := os.CreateTemp(string(f), ".writable-*")
	if err == nil {
		_ = probe.Close()
		_ = os.Remove(probe.Name())
	}
	return errors.Is(err, unix.EROFS)
}

// tryLock locks the folder until flock.Close of the file.
func (f Folder) tryLock() (*os.File, error) {
	file, err := os.OpenFile(f.lock(), os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, unix.EROFS) { // that of an earlier run can be locked
		file, err = os.OpenFile(f.lock(), os.O_RDONLY, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("lock of the daemon: %w", err)
	}
	if err := flock.TryExclusive(file); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock of the daemon: %w", err)
	}
	return file, nil
}

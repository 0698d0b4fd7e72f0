package catalog

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

const (
	// socketPathMax is what a unix socket's address holds, without its final NUL.
	socketPathMax = 107
	// socketPathNeed is what is added to the run directory: "/meshos-" and up to ten
	// digits for the node's directory, a slash and six digits for the plugin's,
	// "/plugin" and ten digits for its socket.
	socketPathNeed = len("/meshos-") + 10 + 1 + 6 + len("/plugin") + 10
)

// checkRunDir says early that sockets below dir would have too long a path: the
// system's own message for that names neither the path nor the limit.
func checkRunDir(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("directory for plugin sockets: %w", err)
	}
	if room := socketPathMax - socketPathNeed; len(abs) > room {
		return fmt.Errorf("directory for plugin sockets: %s has %d bytes, but a socket's path leaves room for %d; set TMPDIR to a shorter one",
			abs, len(abs), room)
	}
	return nil
}

// socketDirs makes the directories for sockets: each process of a plugin has one
// of its own, below one that belongs to the node. That has the same name at every
// start, so that what a killed host left there is found.
type socketDirs struct {
	runDir, dataDir string

	mu   sync.Mutex
	node string // the node's directory; empty before the first
	last uint64
}

// sweep removes what an earlier run left. Nobody else runs on the same data
// directory, so whatever is there is nobody's.
func (d *socketDirs) sweep() {
	if name, err := d.name(); err == nil && isOurs(name) {
		_ = os.RemoveAll(name)
	}
}

// name is the node's directory, unless somebody else has taken the name.
func (d *socketDirs) name() (string, error) {
	run, err := filepath.Abs(d.runDir)
	if err != nil {
		return "", err
	}
	data, err := filepath.Abs(d.dataDir)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(data))
	return filepath.Join(run, fmt.Sprintf("meshos-%x", sum[:4])), nil
}

// make makes a directory that only this user can enter. Whoever asked for it
// removes it.
func (d *socketDirs) make() (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ensure(); err != nil {
		return "", err
	}
	d.last++
	dir := filepath.Join(d.node, strconv.FormatUint(d.last, 10))
	return dir, os.Mkdir(dir, 0o700)
}

// ensure makes the node's directory if it is not there, or not there any more.
func (d *socketDirs) ensure() error {
	if d.node != "" && isOurs(d.node) {
		return nil
	}
	name, err := d.name()
	if err != nil {
		return err
	}
	err = os.Mkdir(name, 0o700)
	if os.IsExist(err) && isOurs(name) {
		err = nil
	}
	if os.IsExist(err) { // in a folder that all may write to, somebody was faster
		name, err = os.MkdirTemp(filepath.Dir(name), "meshos-")
	}
	if err == nil {
		d.node = name
	}
	return err
}

// remove removes the node's directory, if nothing is left in it.
func (d *socketDirs) remove() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.node != "" {
		_ = os.Remove(d.node)
	}
}

// isOurs says whether a name is a directory of this user's that nobody else enters.
func isOurs(name string) bool {
	info, err := os.Lstat(name)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}

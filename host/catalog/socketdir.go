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
	// socketPathMax is the longest path of a unix socket, without its final NUL.
	socketPathMax = 107
	// socketPathNeed is the length of what follows the run directory in it: "/meshos-" and
	// up to ten digits for the node's directory, a slash and six digits for the process's,
	// "/plugin" and ten digits for the socket.
	socketPathNeed = len("/meshos-") + 10 + 1 + 6 + len("/plugin") + 10
)

// checkRunDir returns an error if sockets below dir would have too long a path. The error
// that the system returns later names neither the path nor the limit.
func checkRunDir(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("directory for plugin sockets: %w", err)
	}
	if limit := socketPathMax - socketPathNeed; len(abs) > limit {
		return fmt.Errorf("directory for plugin sockets: the path %s has %d bytes, at most %d are possible; set TMPDIR to a shorter one",
			abs, len(abs), limit)
	}
	return nil
}

// socketDirs creates the directories for sockets: one for each process of a plugin, below
// the node's own. The node's directory has the same name at every start, so that what a
// killed host left there is found.
type socketDirs struct {
	runDir, dataDir string

	mu   sync.Mutex
	node string // the node's directory; empty until it is needed
	last uint64
}

// sweep removes what an earlier run of this node left. The data directory belongs to one
// node at a time, so nobody uses what is there.
func (d *socketDirs) sweep() {
	if name, err := d.name(); err == nil && isOurs(name) {
		_ = os.RemoveAll(name)
	}
}

// name returns the name of the node's directory; another user may have taken it.
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

// make creates a directory that only this user can enter. The caller removes it.
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

// ensure creates the node's directory if it does not exist, or not any more.
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
	if os.IsExist(err) { // another user was faster
		name, err = os.MkdirTemp(filepath.Dir(name), "meshos-")
	}
	if err == nil {
		d.node = name
	}
	return err
}

// remove removes the node's directory if it is empty.
func (d *socketDirs) remove() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.node != "" {
		_ = os.Remove(d.node)
	}
}

// isOurs reports whether a directory belongs to this user and is closed to all others.
func isOurs(name string) bool {
	info, err := os.Lstat(name)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}

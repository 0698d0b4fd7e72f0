package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/meshos/meshos/internal/flock"
)

const (
	// socketPathMax is the longest path of a unix socket, without its final NUL.
	socketPathMax = 107
	// socketPathNeed is the length of what follows the run directory in it: "/meshos-s" and
	// up to ten digits for the node's directory, a slash and six digits for the process's,
	// "/plugin" and ten digits for the socket.
	socketPathNeed = len("/"+dirPrefix) + 10 + 1 + 6 + len("/plugin") + 10
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
// the node's own. The node holds a lock on its directory as long as it lives, however it
// ends: a directory that nobody has locked is left by a node that is gone. Paths say nothing
// of that, since the same path may be another directory in another mount namespace. The
// lock also keeps systemd-tmpfiles from clearing the directory away.
type socketDirs struct {
	runDir string

	mu   sync.Mutex
	node *os.File // the node's directory, locked; nil until it is needed
	last uint64
}

// dirPrefix begins the name of a node's directory. Those of older versions, which have no
// lock, have hexadecimal digits after "meshos-".
const dirPrefix = "meshos-s"

// sweep removes what nodes left that are gone.
func (d *socketDirs) sweep() {
	left, err := filepath.Glob(filepath.Join(d.runDir, dirPrefix+"*"))
	if err != nil {
		return
	}
	for _, name := range left {
		if dir := lockDir(name); dir != nil {
			_ = os.RemoveAll(name)
			_ = flock.Close(dir)
		}
	}
}

// lockDir opens a directory that belongs to this user, and locks it. It returns nil for
// any other, and if somebody else has locked it or it was replaced meanwhile.
func lockDir(name string) *os.File {
	if !isOurs(name) {
		return nil
	}
	dir, err := os.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil
	}
	if flock.TryExclusive(dir) != nil || !leadsTo(name, dir) {
		_ = flock.Close(dir)
		return nil
	}
	return dir
}

// leadsTo reports whether a name is that of this directory.
func leadsTo(name string, dir *os.File) bool {
	named, err := os.Lstat(name)
	if err != nil {
		return false
	}
	opened, err := dir.Stat()
	return err == nil && os.SameFile(named, opened)
}

// make creates a directory that only this user can enter. The caller removes it.
func (d *socketDirs) make() (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ensure(); err != nil {
		return "", err
	}
	d.last++
	dir := filepath.Join(d.node.Name(), strconv.FormatUint(d.last, 10))
	return dir, os.Mkdir(dir, 0o700)
}

// ensure creates the node's directory if it does not exist, or not any more.
func (d *socketDirs) ensure() error {
	if d.node != nil {
		if isOurs(d.node.Name()) && leadsTo(d.node.Name(), d.node) {
			return nil
		}
		_ = flock.Close(d.node)
		d.node = nil
	}
	run, err := filepath.Abs(d.runDir)
	if err != nil {
		return err
	}
	for range ensureTries {
		name, err := os.MkdirTemp(run, dirPrefix+"*")
		if err != nil {
			return err
		}
		if d.node = lockDir(name); d.node != nil {
			return nil
		}
		_ = os.Remove(name) // a node that starts at this moment took it for one that is left
	}
	return fmt.Errorf("a directory in %s can't be locked", run)
}

// ensureTries bounds how often another node may take a new directory away.
const ensureTries = 10

// remove removes the node's directory if it is empty.
func (d *socketDirs) remove() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.node != nil {
		_ = os.Remove(d.node.Name())
		_ = flock.Close(d.node)
		d.node = nil
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

package api

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/config"
)

// letIn lets the members of a group connect to the socket at path. made are folders that
// this process has just made for it. The error says what to do; the socket is for this
// user only then, or can't be reached.
func letIn(path, group string, made []string) error {
	gid, err := config.LookupGroup(group)
	if err != nil {
		return err
	}
	if err := open(path, gid); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("the socket can't be given to group %s: uid %d, as which the node runs, is not a member; add it with usermod -aG, and restart the node", group, os.Geteuid())
		}
		return fmt.Errorf("the socket can't be given to group %s: %w", group, err)
	}
	folder := filepath.Dir(path)
	if holdsOnly(folder, filepath.Base(path)) {
		made = append(made, folder)
	}
	for _, dir := range made {
		if info, err := os.Lstat(dir); err == nil && ownedBySelf(info) && !admits(info, gid) {
			_ = errors.Join(os.Lchown(dir, -1, gid), os.Chmod(dir, info.Mode().Perm()|0o010)) // what it is worth is seen below
		}
	}
	for dir := folder; ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && !admits(info, gid) {
			return fmt.Errorf("the members of group %s can't reach the socket, since %s (mode %v) does not let them in: chgrp %s %s && chmod g+x %s, or set node.socket to a path in another folder",
				group, dir, info.Mode().Perm(), group, dir, dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// open gives the file of a socket to a group, and never what a symbolic link leads to.
func open(path string, gid int) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return err
	}
	if info.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return errors.New("it is not a socket any more")
	}
	if err := unix.Fchownat(fd, "", -1, gid, unix.AT_EMPTY_PATH); err != nil {
		return err
	}
	return os.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), 0o660)
}

// admits reports whether the members of a group may enter a folder.
func admits(folder fs.FileInfo, gid int) bool {
	if sys, ok := folder.Sys().(*syscall.Stat_t); ok && int(sys.Gid) == gid {
		return folder.Mode()&0o010 != 0
	}
	return folder.Mode()&0o001 != 0
}

func ownedBySelf(info fs.FileInfo) bool {
	sys, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}

// holdsOnly reports whether a folder has nothing in it but one file.
func holdsOnly(folder, name string) bool {
	f, err := os.Open(folder)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	names, _ := f.Readdirnames(2)
	return len(names) == 1 && names[0] == name
}

// missing returns the folders of a path that do not exist.
func missing(dir string) (out []string) {
	for {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return out
		}
		out = append(out, dir)
		dir = filepath.Dir(dir)
	}
}

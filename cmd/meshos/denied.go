package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/internal/readfile"
)

// denied returns why this user has no access to the socket, nil if that is not what is
// wrong. A socket that nobody listens on, but that would be closed to this user, counts as
// closed: whether a node runs can't be told.
func (n *nodeClient) denied() error {
	info, err := readfile.Stat(n.path)
	if errors.Is(err, fs.ErrPermission) {
		folder, info := closedFolder(n.path)
		return &deniedError{path: n.path, reason: "this user may not enter " + folder, hint: accessHint(info, 0o010)}
	}
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return nil
	}
	conn, err := net.DialTimeout("unix", n.path, lookWithin)
	if err == nil {
		_ = conn.Close()
		return nil
	}
	if !errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return &deniedError{
		path: n.path, reason: fmt.Sprintf("the socket is closed to this user (mode %v)", info.Mode().Perm()), hint: accessHint(info, 0o020),
	}
}

// closedFolder returns the folder above a path which this user can't enter, with what is
// known of it, which may be nil.
func closedFolder(path string) (string, fs.FileInfo) {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if info, err := readfile.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir, info
		}
	}
}

// accessHint returns how to get access to a file or folder: as whom, or as a member of
// which group, if the group has this permission.
func accessHint(info fs.FileInfo, forGroup fs.FileMode) string {
	const root = "run this as root"
	if info == nil {
		return root + ", or as the user who runs the node"
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return root + ", or as the user who runs the node"
	}
	as := root
	if sys.Uid != 0 {
		as += ", or as the user who runs the node, " + userName(sys.Uid)
	}
	if info.Mode()&forGroup != 0 {
		group := groupName(sys.Gid)
		return fmt.Sprintf("members of the group %s have access: add yourself with usermod -aG %s %s and log in again, or %s",
			group, group, userName(uint32(os.Getuid())), as)
	}
	return as + "; node.socket_group in the node's configuration lets a group in"
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if found, err := user.LookupId(id); err == nil {
		return found.Username
	}
	return "uid " + id
}

func groupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if found, err := user.LookupGroupId(id); err == nil {
		return found.Name
	}
	return id
}

// deniedHint returns what to do about a call that a node refused because of who makes it.
func deniedHint(answer *status.Status) string {
	for _, d := range answer.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetReason() == api.ReasonNotTrusted {
			return "run this as root or as the user who runs the node (sudo)"
		}
	}
	return ""
}

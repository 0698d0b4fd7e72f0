// Package unwritable recognizes errors of a file system that takes nothing more for now: it
// is full, read-only, or its disk is broken. A node goes on then with what needs no disk, and
// tries again.
//
// What is wrong for good, such as a folder of somebody else, is not among them.
package unwritable

import (
	"errors"
	"syscall"
)

// Is reports whether err means that.
func Is(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

package shim

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/meshos/meshos/host/process"
)

// Command is the argument by which a binary knows that it is a shim; the folder follows.
const Command = "daemon-shim"

// Find finds, among all processes of this user, the shim of a folder that has no record because
// it can't be written. It returns what of the record is known: the shim and the process.
func (f Folder) Find() (r Record, found bool) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return Record{}, false
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || !f.isShim(pid) {
			continue
		}
		if r.Shim, err = process.Identify(pid); err != nil {
			continue
		}
		r.Process = process.Identity{Boot: r.Shim.Boot}
		for _, child := range children(pid) {
			if id, err := process.Identify(child); err == nil {
				r.Process = id
				return r, true
			}
		}
		return r, true // its daemon has just ended
	}
	return Record{}, false
}

// isShim reports whether a process is the shim of the folder.
func (f Folder) isShim(pid int) bool {
	dir := fmt.Sprintf("/proc/%d", pid)
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Geteuid() {
		return false
	}
	text, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return false
	}
	args := bytes.Split(bytes.TrimSuffix(text, []byte{0}), []byte{0})
	n := len(args)
	return n >= 3 && string(args[n-2]) == Command && string(args[n-1]) == string(f)
}

// children returns the children of a process, the oldest first.
func children(pid int) (out []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				out = append(out, child)
			}
		}
	}
	return out
}

package process

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// table is what /proc says of all processes at one time, more or less.
type table map[int]stat

// processes reads the table.
func processes() table {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	t := make(table)
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if s, err := readStat(pid); err == nil {
				t[pid] = s
			}
		}
	}
	return t
}

// family returns the living processes that descend from one of the roots, or are in the
// session of one, and the roots themselves.
func (t table) family(roots ...int) (pids []int) {
	in := make(map[int]bool)
	for _, root := range roots {
		in[root] = true
	}
	for grown := true; grown; {
		grown = false
		for pid, s := range t {
			if !in[pid] && (in[s.parent] || in[s.session]) {
				in[pid], grown = true, true
			}
		}
	}
	for pid := range in {
		if s, ok := t[pid]; ok && s.state != 'Z' && s.state != 'X' {
			pids = append(pids, pid)
		}
	}
	return pids
}

// kill kills the process that had this pid when the table was read.
func (t table) kill(pid int, boot string) {
	h, err := Open(Identity{PID: pid, Start: t[pid].start, Boot: boot})
	if err != nil {
		return
	}
	_ = h.Signal(syscall.SIGKILL)
	h.Close()
}

// killFamilies kills the roots and what descends from them, but for one process, until
// nothing is left or it is late, and returns the pids.
func killFamilies(boot string, roots []int, late time.Time, but int) (killed []int) {
	if len(roots) == 0 {
		return nil
	}
	for ; time.Now().Before(late); time.Sleep(endPoll) {
		now := processes()
		pids := slices.DeleteFunc(now.family(roots...), func(pid int) bool { return pid == but })
		if len(pids) == 0 {
			break
		}
		for _, pid := range pids {
			now.kill(pid, boot)
			if !slices.Contains(killed, pid) {
				killed = append(killed, pid)
			}
		}
	}
	return killed
}

// ownChildren returns the pids of this process's children, zombies included.
func ownChildren() (pids []int) {
	const tasks = "/proc/self/task"
	var threads []string
	if dir, err := os.Open(tasks); err == nil {
		threads, _ = dir.Readdirnames(-1)
		_ = dir.Close()
	}
	found := false
	for _, thread := range threads {
		text, err := readProc(tasks + "/" + thread + "/children")
		if err != nil { // the thread has ended
			continue
		}
		found = true
		for _, field := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	if !found { // a kernel without CONFIG_PROC_CHILDREN
		for pid, s := range processes() {
			if s.parent == os.Getpid() {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

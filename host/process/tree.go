package process

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// table is what /proc says of all processes at one time, more or less.
type table map[int]stat

// tablePasses is how often the table is read, at most, until nobody ends meanwhile.
const tablePasses = 4

// processes reads the table.
func processes() table {
	for pass := 1; ; pass++ {
		if t, whole := readTable(); whole || pass == tablePasses {
			return t
		}
	}
}

// readTable reads the table once. It reports false if somebody ended meanwhile: then children
// may be missing that it had started after they were listed, and the line from others to those
// that they descend from may be broken.
func readTable() (t table, whole bool) {
	t = make(table)
	dir, err := os.Open("/proc")
	if err != nil {
		return t, true
	}
	defer func() { _ = dir.Close() }()
	whole = true
	// A part at a time, in the order of the pids: so a child is most often listed after its parent.
	for {
		names, err := dir.Readdirnames(128)
		for _, name := range names {
			pid, err := strconv.Atoi(name)
			if err != nil {
				continue
			}
			s, err := readStat(pid)
			if err != nil {
				whole = false
				continue
			}
			t[pid] = s
		}
		if err != nil {
			break
		}
	}
	for _, s := range t {
		if _, known := t[s.parent]; !known && s.parent != 0 {
			return t, false
		}
	}
	return t, whole
}

// dead reports whether a process has ended, collected or not.
func (s stat) dead() bool { return s.state == 'Z' || s.state == 'X' }

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
		if s, ok := t[pid]; ok && !s.dead() {
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
// nothing is left or it is late, and returns the pids of whom it killed, and of who is left.
// Whoever was killed is a root too from then on: it may have started others meanwhile, in a session
// of its own.
func killFamilies(boot string, roots []Identity, late time.Time, but int) (killed, left []int) {
	if len(roots) == 0 {
		return nil, nil
	}
	starts := make(map[int]uint64) // of the roots; 0 if it is not known
	for _, id := range roots {
		starts[id.PID] = id.Start
	}
	for ; ; time.Sleep(endPoll) {
		now := processes()
		maps.DeleteFunc(starts, func(pid int, start uint64) bool { // somebody else has the pid by now
			s, ok := now[pid]
			return ok && start != 0 && s.start != start
		})
		left = slices.DeleteFunc(now.family(slices.Collect(maps.Keys(starts))...), func(pid int) bool { return pid == but })
		if len(left) == 0 || !time.Now().Before(late) {
			return killed, left
		}
		for _, pid := range left {
			now.kill(pid, boot)
			starts[pid] = now[pid].start
			if !slices.Contains(killed, pid) {
				killed = append(killed, pid)
			}
		}
	}
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

package main

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// process is one process, as /proc shows it.
type process struct {
	pid, parent int
	name        string
	args        []string
	private     int // kB, see private
}

// descendants returns all processes that descend from this one.
func descendants() (found []process) {
	children := make(map[int][]process)
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if p, ok := look(pid); ok {
				children[p.parent] = append(children[p.parent], p)
			}
		}
	}
	for todo := []int{os.Getpid()}; len(todo) > 0; todo = todo[1:] {
		for _, p := range children[todo[0]] {
			found = append(found, p)
			todo = append(todo, p.pid)
		}
	}
	return found
}

// look reads what is known of a process; false if it has ended.
func look(pid int) (p process, ok bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	begin, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if err != nil || begin < 0 || end < begin {
		return p, false
	}
	p = process{pid: pid, name: string(stat[begin+1 : end])}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 2 {
		return p, false
	}
	if p.parent, err = strconv.Atoi(fields[1]); err != nil {
		return p, false
	}
	text, _ := os.ReadFile(dir + "/cmdline")
	p.args = strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	return p, true
}

// private returns the memory that a process shares with no other, in kB.
func private(pid int) (sum int) {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[0], "Private_") {
			kb, _ := strconv.Atoi(f[1])
			sum += kb
		}
	}
	return sum
}

package cgroup

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Group is the folder of a control group; "" is none, of which nothing is a member.
type Group string

// Processes returns the pids of its members, and those of the groups below it.
func (g Group) Processes() (pids []int) {
	if g == "" {
		return nil
	}
	text, err := os.ReadFile(g.file("cgroup.procs"))
	if err != nil {
		return nil
	}
	for _, field := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 { // 0: of another pid namespace
			pids = append(pids, pid)
		}
	}
	for _, below := range g.below() {
		pids = append(pids, below.Processes()...)
	}
	return pids
}

// Kill kills all members at once, also while they fork (Linux 5.14).
func (g Group) Kill() {
	if g != "" {
		_ = g.write("cgroup.kill", "1")
	}
}

// Remove removes the group, with those below it, if nobody is in it.
func (g Group) Remove() {
	if g == "" {
		return
	}
	for _, below := range g.below() {
		below.Remove()
	}
	_ = os.Remove(string(g))
}

// below returns the groups that members have made.
func (g Group) below() (out []Group) {
	entries, err := os.ReadDir(string(g))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, Group(filepath.Join(string(g), e.Name())))
		}
	}
	return out
}

func (g Group) file(name string) string { return filepath.Join(string(g), name) }

// write writes a value to one of its files.
func (g Group) write(name, value string) error {
	f, err := os.OpenFile(g.file(name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// groups are the control groups of this process that a controller uses: the folders of its
// own and of all that are above it as far as they can be seen.
type groups struct {
	path    string   // of its own, as the kernel names it
	folders []string // its own first
	v2      bool
}

// groups finds those of a controller. In a hybrid setup a controller belongs to one of the two
// versions. There may be none.
func (r root) groups(controller string) groups {
	mounts, err := os.ReadFile(r.path("proc/self/mountinfo"))
	if err != nil {
		return groups{}
	}
	member, err := os.ReadFile(r.path("proc/self/cgroup"))
	if err != nil {
		return groups{}
	}
	path, v2 := membership(string(member), controller)
	if path == "" {
		return groups{}
	}
	for text := range strings.Lines(string(mounts)) {
		// 36 35 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw
		before, after, _ := strings.Cut(strings.TrimSpace(text), " - ")
		place, what := strings.Fields(before), strings.Fields(after)
		if len(place) < 6 || len(what) < 3 {
			continue
		}
		of1 := what[0] == "cgroup" && slices.Contains(strings.Split(what[2], ","), controller)
		if v2 && what[0] != "cgroup2" || !v2 && !of1 {
			continue
		}
		below, err := filepath.Rel(unescaped(place[3]), path)
		if err != nil || below == ".." || strings.HasPrefix(below, "../") || strings.HasPrefix(path, "/..") {
			continue // mounted from somewhere else
		}
		top := r.path(unescaped(place[4]))
		out := groups{path: path, v2: v2}
		for at := filepath.Join(top, below); ; at = filepath.Dir(at) {
			out.folders = append(out.folders, at)
			if at == top {
				return out
			}
		}
	}
	return groups{}
}

// membership returns the path of the group that /proc/self/cgroup names for a controller.
func membership(text, controller string) (path string, v2 bool) {
	var unified string
	for l := range strings.Lines(text) {
		// 4:memory:/x, 3:cpu,cpuacct:/y or 0::/z
		parts := strings.SplitN(strings.TrimSuffix(l, "\n"), ":", 3)
		switch {
		case len(parts) != 3:
		case slices.Contains(strings.Split(parts[1], ","), controller):
			return parts[2], false
		case parts[0] == "0" && parts[1] == "":
			unified = parts[2]
		}
	}
	return unified, true
}

// unescaped returns a path of mountinfo with its blanks.
func unescaped(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// smallest returns the smallest limit of all the groups, and the folder of its group. Of
// equal ones it is that of the outermost group: what others use of it counts, too.
func (g groups) smallest(limit func(folder string) (float64, bool)) (value float64, folder string) {
	for _, f := range g.folders {
		if v, ok := limit(f); ok && (folder == "" || v <= value) {
			value, folder = v, f
		}
	}
	return value, folder
}

// memoryLimit returns how much memory the groups of this process allow, and how much of it is
// used without what the kernel gives back at once. limited is false if they allow all.
func (r root) memoryLimit() (used, total uint64, limited bool) {
	g := r.groups("memory")
	if len(g.folders) == 0 {
		return 0, 0, false
	}
	files := struct{ limits, usage, cache string }{"memory.max memory.high", "memory.current", "inactive_file"}
	if !g.v2 {
		files.limits, files.usage, files.cache = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
	}
	value, folder := g.smallest(func(folder string) (least float64, ok bool) {
		for _, name := range strings.Fields(files.limits) {
			n, err := strconv.ParseUint(line(folder, name), 10, 64) // "max" is none
			if err == nil && (!ok || float64(n) < least) {
				least, ok = float64(n), true
			}
		}
		return least, ok
	})
	if !g.v2 { // it knows the limits of groups above the container, too
		above, err := strconv.ParseUint(stat(g.folders[0], "memory.stat", "hierarchical_memory_limit"), 10, 64)
		if err == nil && (folder == "" || float64(above) < value) {
			value, folder = float64(above), g.folders[len(g.folders)-1]
		}
	}
	if folder == "" || value >= 1<<62 { // version 1 writes "no limit" as a large number
		return 0, 0, false
	}
	used, total = number(folder, files.usage), uint64(value)
	cache, _ := strconv.ParseUint(stat(folder, "memory.stat", files.cache), 10, 64)
	return min(used-min(cache, used), total), total, true
}

// stat returns the value of a key in a file of lines "key value".
func stat(folder, name, key string) string {
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return ""
	}
	for l := range strings.Lines(string(text)) {
		if k, v, _ := strings.Cut(strings.TrimSpace(l), " "); k == key {
			return v
		}
	}
	return ""
}

// cpuLimit returns how many CPUs the groups of this process allow, and the seconds of CPU time
// that were used of it so far, or less than 0 if nobody counts them. limited is false if the
// groups allow all.
func (r root) cpuLimit() (cpus, seconds float64, limited bool) {
	g := r.groups("cpu")
	cpus, folder := g.smallest(func(folder string) (float64, bool) {
		fields := strings.Fields(line(folder, "cpu.max")) // "max 100000" is no limit
		if !g.v2 {
			fields = []string{line(folder, "cpu.cfs_quota_us"), line(folder, "cpu.cfs_period_us")} // -1 is none
		}
		if len(fields) != 2 {
			return 0, false
		}
		quota, err := strconv.ParseFloat(fields[0], 64)
		period, err2 := strconv.ParseFloat(fields[1], 64)
		return quota / period, err == nil && err2 == nil && quota > 0 && period > 0
	})
	if folder == "" {
		return 0, 0, false
	}
	if g.v2 {
		return cpus, counted(stat(folder, "cpu.stat", "usage_usec")) / 1e6, true
	}
	// The times may be counted in a hierarchy of their own.
	times := r.groups("cpuacct")
	if times.path != g.path || len(times.folders) != len(g.folders) {
		return cpus, -1, true
	}
	return cpus, counted(line(times.folders[slices.Index(g.folders, folder)], "cpuacct.usage")) / 1e9, true
}

// counted returns the number that a text is, or one below 0.
func counted(text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return -1
	}
	return n
}

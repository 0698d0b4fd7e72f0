package cgroup

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ownGroup returns the group of this process.
func ownGroup() (Group, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	member, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	return find(string(mounts), string(member))
}

// find returns the group that the texts of /proc/self/mountinfo and /proc/self/cgroup tell.
func find(mounts, member string) (Group, error) {
	path, ok := "", false
	for line := range strings.Lines(member) {
		if path, ok = strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			break
		}
	}
	if !ok {
		return "", errors.New("the kernel has no control groups of version 2")
	}
	for lines := bufio.NewScanner(strings.NewReader(mounts)); lines.Scan(); {
		// 36 35 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw
		before, after, _ := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(before)
		if !strings.HasPrefix(after, "cgroup2 ") || len(fields) < 6 {
			continue
		}
		root, at := unescaped(fields[3]), unescaped(fields[4])
		below, err := filepath.Rel(root, path)
		if err != nil || strings.HasPrefix(path, "/..") || below == ".." || strings.HasPrefix(below, "../") {
			continue // mounted from somewhere else
		}
		for _, option := range strings.Split(fields[5], ",") {
			if option == "ro" {
				return "", errors.New("control groups are mounted read-only at " + at)
			}
		}
		return Group(filepath.Join(at, below)), nil
	}
	return "", errors.New("no control groups of version 2 are mounted")
}

// unescaped returns a path of mountinfo with its blanks.
func unescaped(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// delegated reports whether this process may make groups in a group. Where systemd runs, all
// groups are its own but those that it delegates.
func delegated(g Group) bool {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return true
	}
	return isDelegated(g) || isDelegated(Group(filepath.Dir(string(g))))
}

func isDelegated(g Group) bool {
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		var value [8]byte
		if n, err := unix.Getxattr(string(g), name, value[:]); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

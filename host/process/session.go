package process

import (
	"os"
	"strconv"
	"syscall"
)

// KillGroup kills the processes that are left of a process group, if the group belongs to the
// session, and returns how many they were. The kernel reuses neither number while a member
// lives, so no other process is hit: a group of this number in another session is left alone.
func KillGroup(session, group int) int {
	if session <= 1 || group <= 1 {
		return 0
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	n := 0
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		s, err := readStat(pid)
		if err == nil && s.session == session && s.group == group && s.state != 'Z' && s.state != 'X' {
			n++
		}
	}
	if n > 0 {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
	return n
}

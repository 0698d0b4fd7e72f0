package process

import (
	"errors"
	"os"
	"strconv"
	"syscall"
)

// KillSession kills the processes that are left of the session that leader began, and returns
// how many they were. Those that left the session are not reached. The kernel reuses the
// number of a session or group only when no member lives, so no other process is hit: if
// another process has the leader's pid by now, nothing is left of its session.
func KillSession(leader Identity) int {
	if !leader.Here() || leader.PID <= 1 {
		return 0
	}
	if id, err := Identify(leader.PID); err == nil && !id.is(leader) || err != nil && !errors.Is(err, ErrGone) {
		return 0
	}
	return killSession(leader.PID)
}

func killSession(session int) (n int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	groups := make(map[int]bool)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		s, err := readStat(pid)
		if err == nil && s.session == session && s.group > 1 && s.state != 'Z' && s.state != 'X' {
			n++
			groups[s.group] = true
		}
	}
	for group := range groups {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
	return n
}

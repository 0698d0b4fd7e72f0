package process

import (
	"errors"
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

// killRounds is how often it is looked who is left of a session, at most.
const killRounds = 20

// killSession kills until there is nobody who has not been killed. Who hangs in the kernel is
// not waited for.
func killSession(session int) int {
	killed := make(map[int]uint64)
	for range killRounds {
		fresh, groups := false, make(map[int]bool)
		for pid, s := range processes() {
			if s.session != session || s.group <= 1 || s.dead() {
				continue
			}
			if start, known := killed[pid]; !known || start != s.start {
				killed[pid], fresh = s.start, true
			}
			groups[s.group] = true
		}
		if !fresh {
			break
		}
		for group := range groups {
			_ = syscall.Kill(-group, syscall.SIGKILL)
		}
	}
	return len(killed)
}

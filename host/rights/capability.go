package rights

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// MayChangeAccount reports whether this process may start others as any user.
func MayChangeAccount() bool { return has(unix.CAP_SETUID) && has(unix.CAP_SETGID) }

// MayNice reports whether this process may start others with this nice value.
func MayNice(nice int) bool {
	if has(unix.CAP_SYS_NICE) {
		return true
	}
	// The system call returns 20 minus the value.
	now, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err == nil && nice >= 20-now {
		return true
	}
	var limit unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_NICE, &limit) == nil && int64(20-nice) <= int64(min(limit.Cur, 40))
}

// MayOOMScore reports whether this process may start others with this oom_score_adj.
func MayOOMScore(adj int) bool {
	if has(unix.CAP_SYS_RESOURCE) {
		return true
	}
	text, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return true // the start finds it out
	}
	now, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return err != nil || adj >= now
}

// has reports whether this process has a capability.
func has(capability int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return os.Geteuid() == 0
	}
	return data[capability/32].Effective&(1<<(capability%32)) != 0
}

package helper

import "syscall"

// confine goes to the order's control group and takes its limits on. What the system denies is
// left out: whoever gave the order sees it in /proc, and the program runs all the same.
func (h *helper) confine() {
	if h.order.Cgroup != "" {
		fd, err := syscall.Open(h.order.Cgroup+"/cgroup.procs", syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
		if err == nil {
			_, _ = syscall.Write(fd, []byte("0"))
			_ = syscall.Close(fd)
		}
	}
	for _, l := range h.order.Limits {
		limit := syscall.Rlimit{Cur: l.Value, Max: l.Value}
		if err := syscall.Setrlimit(l.Resource, &limit); err != nil {
			var now syscall.Rlimit
			if syscall.Getrlimit(l.Resource, &now) == nil && now.Max < l.Value { // it can't be raised
				limit = syscall.Rlimit{Cur: now.Max, Max: now.Max}
				_ = syscall.Setrlimit(l.Resource, &limit)
			}
		}
	}
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// process is one process as /proc shows it.
type process struct {
	pid, parent int
	role        string // "main", "child", "check" …, "shim", "watcher", "spawn", "run"
	daemon      int    // 0 if it belongs to none
	state       byte
}

// seen are the processes of a stage.
type seen struct {
	byRole map[string][]process
}

func (s seen) all() (out []process) {
	for _, p := range s.byRole {
		out = append(out, p...)
	}
	return out
}

// of returns the processes of a daemon in a role.
func (s seen) of(role string, daemon int) (out []process) {
	for _, p := range s.byRole[role] {
		if p.daemon == daemon {
			out = append(out, p)
		}
	}
	return out
}

// look lists the processes of the node and its daemons. Those that have ended and wait for their
// parents count as zombies.
func (s *stage) look() seen {
	out := seen{byRole: make(map[string][]process)}
	var dead []process
	ours := make(map[int]bool)
	names, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range names {
		p := process{}
		p.pid, _ = strconv.Atoi(filepath.Base(dir))
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue
		}
		_, rest, ok := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 {
			continue
		}
		p.state = fields[0][0]
		p.parent, _ = strconv.Atoi(fields[1])
		if p.state == 'Z' || p.state == 'X' {
			p.role = "zombie"
			dead = append(dead, p)
			continue
		}
		cmdline, err := os.ReadFile(dir + "/cmdline")
		if err != nil {
			continue
		}
		args := strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00")
		s.recognize(&p, dir, args)
		if p.role != "" {
			ours[p.pid] = true
			out.byRole[p.role] = append(out.byRole[p.role], p)
		}
	}
	for _, p := range dead {
		if ours[p.parent] {
			out.byRole[p.role] = append(out.byRole[p.role], p)
		}
	}
	return out
}

// recognize says what a process of ours does.
func (s *stage) recognize(p *process, dir string, args []string) {
	env, _ := os.ReadFile(dir + "/environ")
	if bytes.Contains(env, []byte("SOAK="+s.path("marks")+"\x00")) {
		p.role = "other"
		if len(args) > 1 && (strings.HasSuffix(args[0], "/actor") || args[0] == "/proc/self/exe") {
			p.role = args[1]
		}
		for _, v := range bytes.Split(env, []byte{0}) {
			if id, ok := bytes.CutPrefix(v, []byte("SOAK_ID=")); ok {
				p.daemon, _ = strconv.Atoi(string(id))
			}
		}
		return
	}
	n := len(args)
	exe, _ := os.Readlink(dir + "/exe")
	switch {
	case n >= 2 && args[n-2] == "daemon-shim" && strings.HasPrefix(args[n-1], s.path("data")):
		p.role = "shim"
		p.daemon, _ = strconv.Atoi(filepath.Base(args[n-1]))
	case exe != s.path("bin/meshos"):
	case n >= 2 && args[1] == "process-watcher":
		p.role = "watcher"
	case n >= 2:
		p.role = args[1]
	default:
		p.role = "other"
	}
}

// descriptors returns how many a process has open.
func descriptors(pid int) int {
	names, _ := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/fd")
	return len(names)
}

// private returns how much memory a process has of its own, in bytes.
func private(pid int) uint64 {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, _ := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// catches reports whether a process catches a signal.
func catches(pid int, sig syscall.Signal) bool {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "SigCgt:"); ok {
			mask, _ := strconv.ParseUint(strings.TrimSpace(rest), 16, 64)
			return mask&(1<<(sig-1)) != 0
		}
	}
	return false
}

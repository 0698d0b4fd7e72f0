package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// hit sends a signal to any process in a role.
func (s *stage) hit(role string, sig syscall.Signal) {
	found := s.look().byRole[role]
	if role == "run" && s.node == nil || len(found) == 0 {
		return
	}
	slices.SortFunc(found, func(a, b process) int { return a.pid - b.pid })
	p := found[s.rand.IntN(len(found))]
	if role == "main" && sig != syscall.SIGKILL && !s.settled(p) {
		return // it does not handle signals yet
	}
	if role == "shim" && sig == syscall.SIGKILL && p.daemon > 0 {
		s.daemons[p.daemon-1].cut++
	}
	if role == "afterwards" || role == "shim" && sig == syscall.SIGKILL {
		// A command after the end that was killed has failed; a shim that was killed runs none.
		_ = os.WriteFile(s.mark(p.daemon, "afterwards"), nil, 0o666)
	}
	s.history.add("%v to the %s of daemon %d: %d", sig, role, p.daemon, p.pid)
	_ = syscall.Kill(p.pid, sig)
	if sig == syscall.SIGSTOP {
		s.later(3*time.Second, func() error { _ = syscall.Kill(p.pid, syscall.SIGCONT); return nil })
	}
}

// settled reports whether a main process has its lock.
func (s *stage) settled(p process) bool {
	text, _ := os.ReadFile(s.mark(p.daemon, "lock"))
	return string(text) == strconv.Itoa(p.pid)
}

func (s *stage) mark(daemon int, name string) string {
	return filepath.Join(s.path("marks"), strconv.Itoa(daemon)+"."+name)
}

// any returns any daemon of the configuration.
func (s *stage) any() *daemon {
	if d := s.daemons[s.rand.IntN(len(s.daemons))]; d.present {
		return d
	}
	return nil
}

// replaceNode ends the node, and starts another one after a while.
func (s *stage) replaceNode(sig syscall.Signal) error {
	if s.node == nil {
		return nil
	}
	if err := s.endNode(sig); err != nil {
		return err
	}
	s.later(1500*time.Millisecond, s.startNode)
	return nil
}

// fill fills the disk, for a while.
func (s *stage) fill() error {
	path := s.path("data/filler")
	if _, err := os.Lstat(path); err == nil || !s.disk {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for size := 8 << 20; size > 0; size /= 2 { // to the last byte
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, unix.ENOSPC) {
			return err
		}
	}
	s.history.add("the disk is full")
	s.full = append(s.full, span{from: time.Now()})
	s.later(4*time.Second, func() error {
		s.history.add("the disk is empty")
		s.full[len(s.full)-1].to = time.Now()
		return os.Remove(path)
	})
	return nil
}

// sicken lets the checks of a daemon fail, for a while.
func (s *stage) sicken() error {
	d := s.daemons[s.rand.IntN(len(s.daemons))]
	s.history.add("daemon %d is ill", d.id)
	mark := s.mark(d.id, "ill")
	if err := os.WriteFile(mark, nil, 0o644); err != nil {
		return err
	}
	s.later(5*time.Second, func() error {
		if err := os.Remove(mark); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	})
	return nil
}

// change changes the configuration, and has the node read it.
func (s *stage) change() error {
	d := s.daemons[s.rand.IntN(len(s.daemons))]
	what := ""
	switch n := s.rand.IntN(10); {
	case n < 3:
		if d.present = !d.present; !d.present {
			what = "removed"
		} else {
			what = "added"
			d.unsure = d.unsure || d.ordered != meshosv1.DaemonIntent_INTENT_UNSPECIFIED
		}
		d.rerun++
	case n < 6:
		d.run = !d.run
		d.ordered = meshosv1.DaemonIntent_INTENT_UNSPECIFIED
		d.rerun++
		what = "run = " + strconv.FormatBool(d.run)
	case n < 9:
		d.version++
		d.rerun++
		what = "another environment"
	case !s.listens(): // it might read the mistake at its start, and has to refuse that
		return nil
	default:
		s.history.add("the configuration has a mistake")
		if err := os.WriteFile(s.path("meshos.toml"), []byte("[node]\nid = \"none\"\n"), 0o600); err != nil {
			return err
		}
		s.hangUp()
		s.later(time.Second, func() error { return s.reload("the mistake is mended") })
		return nil
	}
	s.history.add("daemon %d: %s", d.id, what)
	return s.reload("reload")
}

// reload has the node read the configuration.
func (s *stage) reload(why string) error {
	s.history.add("%s", why)
	if err := s.configure(); err != nil {
		return err
	}
	s.hangUp()
	return nil
}

// hangUp sends SIGHUP to a node that has begun to catch it. One that has not, a moment after its
// execution, has not read its configuration either.
func (s *stage) hangUp() {
	if s.node != nil && catches(s.node.Process.Pid, syscall.SIGHUP) {
		_ = s.node.Process.Signal(syscall.SIGHUP)
	}
}

// listens reports whether the node listens on its socket.
func (s *stage) listens() bool {
	conn, err := net.DialTimeout("unix", s.path("s"), time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

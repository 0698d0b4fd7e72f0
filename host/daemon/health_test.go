package daemon_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/internal/testkit"
)

func checked(spec daemon.Spec, c health.Check) daemon.Spec {
	c.Interval, c.Timeout = 20*time.Millisecond, 5*time.Second
	c.Thresholds = health.Thresholds{Failures: 2, Successes: 1}
	spec.Health = &c
	return spec
}

func TestHealthIsCheckedInTheDaemonsOwnEnvironment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spec := checked(sh(7, "echo ready; exec sleep 1000"), health.Check{
		Type: "exec", Command: []string{"sh", "-c", `test "$WHO" = me && test -e ok || { echo "not ok" >&2; exit 1; }; echo saturation=0.25`},
	})
	spec.Dir, spec.Env = dir, map[string]string{"WHO": "me"}
	n := startNode(t, spec)
	n.start(7)
	n.wait(t, "7 degraded: exit status 1: not ok")
	n.wait(t, "7 unhealthy: exit status 1: not ok")
	touch(t, dir, "ok")
	n.wait(t, "7 healthy: ")
	n.wait(t, "7 saturation 0.25")
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
	if all := n.life(); all[len(all)-1] != "7 exited" {
		t.Errorf("the last that came is %q", all[len(all)-1])
	}
}

func TestAnAdoptedDaemonIsCheckedAsConfiguredNow(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	left(t, dir, sleeper)
	n := startNodeIn(t, dir, checked(sh(7, sleeper), health.Check{Type: "tcp", Target: l.Addr().String()}))
	n.wait(t, "7 healthy: ")
	_ = l.Close()
	n.wait(t, "7 unhealthy: connect to "+l.Addr().String()+": connection refused")
}

func TestACheckThatHangsEndsWithTheDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spec := checked(sh(7, sleeper), health.Check{Type: "exec", Command: []string{"sh", "-c", "touch asked; sleep 1000"}})
	spec.Dir = dir
	spec.Health.Timeout = time.Hour
	n := startNode(t, spec)
	n.start(7)
	testkit.Until(t, "the check", func() bool { return exists(dir + "/asked") })
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
}

func TestACheckWhoseProgramIsMissingIsReported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spec := checked(sh(7, sleeper), health.Check{Type: "exec", Command: []string{"no-such-check"}})
	spec.Env = map[string]string{"PATH": dir + ":/usr/bin:/bin"}
	n := startNode(t, spec)
	n.start(7)
	const missing = `7 unknown: it can't be checked: there is no program "no-such-check" in PATH; write its full path, or install it`
	n.wait(t, missing)
	program := filepath.Join(dir, "no-such-check")
	testkit.Script(t, program, "#!/bin/sh\n")
	n.wait(t, "7 healthy: ")
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "the same when it is gone again", func() bool {
		count := 0
		for _, text := range n.all() {
			if text == missing {
				count++
			}
		}
		return count == 2
	})
}

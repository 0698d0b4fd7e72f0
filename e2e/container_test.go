package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// contain starts the node as process 1 of a pid namespace, after a script. The end of the node
// ends all that is in it.
func (n *node) contain(script string) *node {
	n.t.Helper()
	testneeds.Root(n.t, "make a pid namespace")
	n.wrap = func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-ec", "mount --make-rprivate /; mount -t proc proc /proc; " + script + "\nexec \"$0\" \"$@\"", cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS
	}
	return n.start()
}

func TestAContainerThatStartsAgainHitsNobodyWhoHasThePidsOfBefore(t *testing.T) {
	t.Parallel()
	n := prepare(t).contain("")
	n.until("the daemon", running)
	rec := n.daemon(1)
	if rec.Process.Namespace == "" || rec.Process.InitStart == 0 || rec.Process.PID > 1000 {
		t.Fatalf("its record: %+v", rec.Process)
	}
	n.kill()
	// The session of the daemon's number has a member, and its leader is gone: nothing but
	// the namespace tells that it is not the daemon's. The kernel may give the second one the
	// number of the first.
	mark := filepath.Join(n.dir, "innocent")
	n.contain("echo " + strconv.Itoa(rec.Process.PID-1) + " >/proc/sys/kernel/ns_last_pid; setsid sh -c 'sleep 1000 & cut -d\" \" -f6 /proc/$!/stat >" + mark + "'")
	session, err := os.ReadFile(mark)
	if err != nil || strings.TrimSpace(string(session)) != strconv.Itoa(rec.Process.PID) {
		testkit.Until(t, "the innocent session", func() bool { session, err = os.ReadFile(mark); return err == nil && len(session) > 0 })
	}
	if got := strings.TrimSpace(string(session)); got != strconv.Itoa(rec.Process.PID) {
		t.Fatalf("the innocent is in session %s, not in %d", got, rec.Process.PID)
	}
	n.until("the daemon of the second start", func(s *meshosv1.Snapshot) bool {
		return running(s) && n.daemon(1).Process != rec.Process
	})
	if !strings.Contains(n.must("logs"), "the machine or its container was started again") {
		t.Error("the end of the first run is not told")
	}
	if innocent := childrenNamed(n.cmd.Process.Pid, "sleep"); len(innocent) != 1 {
		t.Errorf("the innocent is gone: %v", innocent)
	}
}

// childrenNamed returns the living children of a process that have a name, as seen from here.
func childrenNamed(parent int, name string) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, _ := os.ReadFile(path)
		pid, rest, _ := strings.Cut(string(text), " (")
		comm, after, _ := strings.Cut(rest, ") ")
		if f := strings.Fields(after); len(f) > 1 && comm == name && f[0] != "Z" && f[1] == strconv.Itoa(parent) {
			n, _ := strconv.Atoi(pid)
			pids = append(pids, n)
		}
	}
	return pids
}

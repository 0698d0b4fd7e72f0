package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestKilledPluginsAndDaemonsComeBack(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	snap := n.until("a complete snapshot with the daemon running", func(s *meshosv1.Snapshot) bool {
		return complete(s) && len(s.GetDaemons()) == 1 && s.GetDaemons()[0].GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING
	})
	killed := 0
	for _, name := range all {
		p := plugin(snap, name)
		if p.GetStatus() != meshosv1.PluginView_STATUS_READY {
			continue // this machine does not let it do its work
		}
		if err := syscall.Kill(int(p.GetPid()), syscall.SIGKILL); err != nil {
			t.Fatalf("kill %s: %v", name, err)
		}
		killed++
		n.until(name+" back with another process", func(s *meshosv1.Snapshot) bool {
			now := plugin(s, name)
			return now.GetStatus() == meshosv1.PluginView_STATUS_READY && now.GetPid() != p.GetPid() && now.GetRestarts() >= 1
		})
	}
	if killed < 5 {
		t.Fatalf("only %d plugins were up", killed)
	}

	pid := n.daemon(1).Process.PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	n.until("the daemon to be back", func(s *meshosv1.Snapshot) bool {
		d := s.GetDaemons()[0]
		return d.GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING && d.GetPid() != 0 && d.GetPid() != int64(pid)
	})

	if out := n.must("status", "--all"); !strings.Contains(out, "health-tcp") {
		t.Errorf("status:\n%s", out)
	}
}

func childrenOf(t *testing.T, pid int) (out []int) {
	t.Helper()
	tasks, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + task.Name() + "/children")
		for _, f := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(f); err == nil {
				out = append(out, child)
			}
		}
	}
	return out
}

// plugins returns the process that watches over the node's plugins, and its children.
func (n *node) plugins() (out []int) {
	n.t.Helper()
	for _, pid := range childrenOf(n.t, n.cmd.Process.Pid) {
		if cmdline, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline"); strings.HasSuffix(string(cmdline), "process-watcher\x00") {
			out = append(append(out, pid), childrenOf(n.t, pid)...)
		}
	}
	return out
}

func TestP7_AKilledHostLeavesNoPluginBehind(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	n.until("a complete snapshot", complete)
	children := n.plugins()
	if len(children) < 6 {
		t.Fatalf("children: %v", children)
	}
	if err := n.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-n.exited
	for _, pid := range children {
		testkit.Until(t, fmt.Sprintf("the end of process %d", pid), func() bool { return testkit.Ended(pid) })
	}
	// What the host left on disk does not keep the next one from starting.
	n.out = &plugintest.Buffer{}
	n.start()
	n.until("a complete snapshot of the next node", complete)
}

func TestTermEndsTheNodeCleanly(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	n.until("a complete snapshot and the daemon", func(s *meshosv1.Snapshot) bool { return complete(s) && running(s) })
	children, daemon := n.plugins(), n.daemon(1)
	n.end()
	if n.err != nil {
		t.Errorf("it ended with %v", n.err)
	}
	for _, pid := range children {
		if !testkit.Ended(pid) {
			t.Errorf("process %d was left behind", pid)
		}
	}
	if testkit.Ended(daemon.Shim.PID) || testkit.Ended(daemon.Process.PID) {
		t.Error("the daemon did not outlive the node")
	}
	if _, errs, code := n.meshos("status"); code != 3 || !strings.Contains(errs, "meshos run") {
		t.Errorf("status of a node that has ended: exit %d\n%s", code, errs)
	}
}

// Events that were accepted just before the end are on disk when the node has ended.
func TestB24_RecordsOfTheLastMomentAreOnDisk(t *testing.T) {
	t.Parallel()
	n := prepare(t, func(text string) string {
		return strings.Replace(text, "[loop]", "[loop]\ntick_interval = \"2s\"", 1) // so that no tick comes in between
	}).start("--stop-daemons")
	n.until("a first tick", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
	n.must("publish", `{"admin":{"cordon":{"node":3}}}`, `{"log_line":{"level":"LOG_LEVEL_INFO","message":"last words"}}`)
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-n.exited
	out := n.must("audit", "verify", filepath.Join(n.dir, "var", "records"))
	if !strings.Contains(out, "audit    good: 1 record ") {
		t.Errorf("the admin event left no audit record:\n%s", out)
	}
	text, err := os.ReadFile(filepath.Join(n.dir, "var", "records", "log", "0000000001.rec"))
	if err != nil || !strings.Contains(string(text), "last words") {
		t.Errorf("the line is not in the log on disk: %v", err)
	}
}

func TestASecondNodeOnTheSameDataDirectoryDoesNotStart(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	n.until("a complete snapshot", complete)
	_, errs, code := n.meshos("run")
	if code != 1 || !strings.Contains(errs, "in use by another node (pid "+strconv.Itoa(n.cmd.Process.Pid)+")") {
		t.Errorf("exit %d\n%s", code, errs)
	}
	if n.status() == nil {
		t.Error("the first node no longer answers")
	}
}

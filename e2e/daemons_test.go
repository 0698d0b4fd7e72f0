package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/host/cgroup"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// daemon returns the record of a daemon that was started.
func (n *node) daemon(id mesh.DaemonID) shim.Record {
	n.t.Helper()
	rec, err := shim.FolderOf(filepath.Join(n.dir, "var", "daemons"), id).Load()
	if err != nil {
		n.t.Fatal(err)
	}
	return rec
}

// endDaemons kills the daemons of a test, since they outlive its nodes.
func endDaemons(t *testing.T, all string) {
	entries, _ := os.ReadDir(all)
	for _, e := range entries {
		id, _ := strconv.ParseUint(e.Name(), 10, 64)
		rec, err := shim.FolderOf(all, mesh.DaemonID(id)).Load()
		if err != nil {
			continue
		}
		defer removeGroup(t, cgroup.Group(rec.Cgroup))
		h, err := process.Open(rec.Shim)
		if err != nil {
			continue
		}
		_ = h.Signal(syscall.SIGKILL) // which ends its daemon, too
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := h.Wait(ctx); err != nil {
			t.Errorf("daemon %d: %v", id, err)
		}
		cancel()
		h.Close()
	}
}

// removeGroup ends who is left in a daemon's control group, and removes it with its parent.
func removeGroup(t *testing.T, g cgroup.Group) {
	t.Helper()
	if g == "" {
		return
	}
	g.Kill()
	testkit.Until(t, "the end of all in "+string(g), func() bool { return len(g.Processes()) == 0 })
	cgroup.Group(filepath.Dir(string(g))).Remove()
}

// kill kills the node.
func (n *node) kill() {
	n.t.Helper()
	if err := n.cmd.Process.Kill(); err != nil {
		n.t.Fatal(err)
	}
	<-n.exited
}

// numbers returns the numbers that the demo daemon has printed, from the node's log.
func numbers(s *meshosv1.Snapshot) (out []int) {
	for _, l := range s.GetLogs() {
		var i int
		if _, err := fmt.Sscanf(l.GetMessage(), "demo says hello, number %d", &i); err == nil {
			out = append(out, i)
		}
	}
	return out
}

func running(s *meshosv1.Snapshot) bool {
	return len(s.GetDaemons()) == 1 && s.GetDaemons()[0].GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING
}

// processesWith lists the processes whose command line contains a text.
func processesWith(text string) (out []string) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if cmdline, err := os.ReadFile("/proc/" + e.Name() + "/cmdline"); err == nil && strings.Contains(string(cmdline), text) {
			out = append(out, e.Name())
		}
	}
	return out
}

func TestTheDemoDaemonOutlivesAKilledNodeWithoutLosingOutput(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	// The node is killed just after a new line: the next line comes a second later.
	last := 0
	n.until("two lines of the daemon", func(s *meshosv1.Snapshot) bool {
		got := numbers(s)
		if len(got) == 0 || !running(s) {
			return false
		}
		fresh := last > 0 && got[len(got)-1] > last
		last = got[len(got)-1]
		return fresh
	})
	before := n.daemon(1)
	n.kill()
	if testkit.Ended(before.Process.PID) {
		t.Fatal("the daemon ended with the node")
	}

	n.out = &plugintest.Buffer{}
	n.start()
	snap := n.until("the daemon running, with three more lines", func(s *meshosv1.Snapshot) bool {
		return running(s) && len(numbers(s)) >= 3
	})
	for i, got := range numbers(snap) {
		if want := last + 1 + i; got != want {
			t.Errorf("line %d, want %d: %v after %d", got, want, numbers(snap), last)
			break
		}
	}
	if after := n.daemon(1); after.Process != before.Process || after.Shim != before.Shim {
		t.Errorf("process %+v, was %+v", after.Process, before.Process)
	}
	if got := processesWith("daemon-shim\x00" + filepath.Join(n.dir, "var", "daemons", "1")); len(got) != 1 {
		t.Errorf("%d processes supervise the daemon", len(got))
	}
	for _, a := range snap.GetRecentlyEmitted() {
		if a.GetAction().GetStartDaemon() != nil {
			t.Errorf("it was started again: %v", a)
		}
	}
	for _, f := range snap.GetRecentFailures() {
		if strings.Contains(f.GetSource(), "daemon") {
			t.Errorf("failure: %v", f)
		}
	}
	if out := n.out.String(); !strings.Contains(out, "daemons of an earlier run go on") {
		t.Errorf("its log does not say so:\n%s", out)
	}
}

func TestStopDaemonsEndsTheDaemonsWithTheNode(t *testing.T) {
	t.Parallel()
	n := prepare(t).start("--stop-daemons")
	n.until("a line of the daemon", func(s *meshosv1.Snapshot) bool { return running(s) && len(numbers(s)) > 0 })
	rec := n.daemon(1)
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-n.exited
	if !testkit.Ended(rec.Process.PID) || !testkit.Ended(rec.Shim.PID) {
		t.Error("the daemon or its supervisor is still running")
	}
	segments, err := filepath.Glob(filepath.Join(n.dir, "var", "daemons", "1", "output", "*"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("%v %v", segments, err)
	}
	if text, _ := os.ReadFile(segments[0]); !strings.Contains(string(text), " out demo ends\n") {
		t.Errorf("the daemon was not asked to end: %q", text)
	}
}

func TestADaemonRemovedFromTheConfigurationIsStoppedByTheNextNode(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	n.until("the daemon running", running)
	rec := n.daemon(1)
	n.kill()
	text, err := os.ReadFile(n.config)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), "[[daemon]]")
	_, after, _ := strings.Cut(rest, "[plugins]")
	n.write(before + "[plugins]" + after)
	n.out = &plugintest.Buffer{}
	n.start()
	n.until("the daemon's end", func(*meshosv1.Snapshot) bool {
		return testkit.Ended(rec.Process.PID) && testkit.Ended(rec.Shim.PID)
	})
}

func TestHealthAndSaturationOfADaemonAreShown(t *testing.T) {
	t.Parallel()
	status := make(chan int, 1)
	status <- http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		code := <-status
		status <- code
		w.Header().Set("Meshos-Saturation", "0.75")
		w.WriteHeader(code)
	}))
	defer server.Close()
	n := prepare(t, func(text string) string {
		return strings.Replace(text, "[plugins]", "[daemon.health]\ntype = \"http\"\ntarget = \""+server.URL+"\"\ninterval = \"100ms\"\n\n[plugins]", 1)
	}).start()
	n.until("a healthy daemon", func(s *meshosv1.Snapshot) bool {
		return running(s) && s.GetDaemons()[0].GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_HEALTHY &&
			s.GetDaemons()[0].GetSaturation() == 0.75
	})
	<-status
	status <- http.StatusServiceUnavailable
	n.until("an unhealthy daemon", func(s *meshosv1.Snapshot) bool {
		h := s.GetDaemons()[0].GetHealth()
		return h.GetStatus() == meshosv1.DaemonHealth_STATUS_UNHEALTHY && strings.Contains(h.GetReason(), "503 Service Unavailable")
	})
}

func TestAnIdleShimIsSmallAndSleeps(t *testing.T) {
	t.Parallel()
	n := prepare(t, func(text string) string {
		head, rest, _ := strings.Cut(text, `command = ["/bin/sh"`)
		_, tail, _ := strings.Cut(rest, "''']")
		return head + `command = ["sleep", "1000"]` + tail
	}).start()
	n.until("the daemon running", running)
	pid := n.daemon(1).Shim.PID
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	if kib, err := strconv.Atoi(strings.Fields(rest)[0]); err != nil || kib >= 12<<10 {
		t.Errorf("%d KiB, %v", kib, err)
	}
	// A process that has just started does some work before it becomes idle.
	woke := 0
	for range 5 {
		tick, before := n.status().GetTick(), sleeps(t, pid)
		n.until("two seconds", func(s *meshosv1.Snapshot) bool { return s.GetTick() >= tick+4 })
		if woke = sleeps(t, pid) - before; woke <= 4 {
			return
		}
	}
	t.Errorf("it woke up %d times in two seconds", woke)
}

// sleeps returns how often the threads of a process have gone to sleep.
func sleeps(t *testing.T, pid int) (n int) {
	t.Helper()
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/status")
	if err != nil || len(tasks) == 0 {
		t.Fatal(tasks, err)
	}
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		_, rest, _ := strings.Cut(string(text), "\nvoluntary_ctxt_switches:")
		count, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
		n += count
	}
	return n
}

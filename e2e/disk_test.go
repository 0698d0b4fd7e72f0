package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// markedDaemon ends with an exit code as soon as a file beside the data directory names it, which it removes.
func (n *node) markedDaemon(id int) string {
	return fmt.Sprintf("\n[[daemon]]\nid = %d\nname = \"marked\"\nrestart_stable_run = \"1ms\"\nenv = { MARK = %q }\n"+
		"command = [\"/bin/sh\", \"-c\", \"echo hello; while [ ! -e $MARK ]; do sleep 0.05; done; read code < $MARK; rm $MARK; exit $code\"]\n",
		id, n.mark(id))
}

func (n *node) mark(id int) string { return filepath.Join(n.dir, fmt.Sprint("mark", id)) }

func (n *node) endMarked(id, code int) {
	n.t.Helper()
	next := n.mark(id) + ".next"
	if err := os.WriteFile(next, []byte(strconv.Itoa(code)+"\n"), 0o600); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Rename(next, n.mark(id)); err != nil {
		n.t.Fatal(err)
	}
}

// onDisk returns a node with a data directory on a disk of its own, which mount mounts.
func onDisk(t *testing.T, mount func(dir string)) *node {
	t.Helper()
	n := prepare(t)
	dir := filepath.Join(n.dir, "var")
	mount(dir)
	t.Cleanup(func() { // before the disk is unmounted
		for _, word := range processesWith("daemon-shim\x00" + dir) {
			pid, _ := strconv.Atoi(word)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	// Without plugins, which would start and end as usual and only take time.
	text := strings.Replace(read(t, n.config), "\n[[daemon]]", "\n[[later]]", 1)
	text, _, _ = strings.Cut(text, "\n[[")
	n.write(text + n.markedDaemon(7))
	return n
}

// pidOf waits until a daemon runs as another process than one, and returns its id.
func (n *node) pidOf(id uint64, not int64) (pid int64) {
	n.t.Helper()
	n.until(fmt.Sprintf("daemon %d as another process than %d", id, not), func(s *meshosv1.Snapshot) bool {
		d := daemonOf(s, id)
		pid = d.GetPid()
		return d.GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING && pid != 0 && pid != not
	})
	return pid
}

// says waits for a line of a daemon in the node's log.
func (n *node) says(line string) {
	n.t.Helper()
	n.until("the line "+line, func(s *meshosv1.Snapshot) bool { return logged(s, line) })
}

const unknownEnd = "its supervising process was killed"

func TestAFullDiskKeepsNoDaemonFromRunning(t *testing.T) {
	t.Parallel()
	var disk string
	n := onDisk(t, func(dir string) { disk = dir; testkit.SmallDisk(t, dir, 8<<20) })
	n.start()
	first := n.pidOf(7, 0)
	filler := testkit.Fill(t, disk)
	n.until("status to say so", func(*meshosv1.Snapshot) bool {
		out, _, code := n.meshos("health")
		return code == 1 && strings.Contains(out, "data directory takes nothing") && strings.Contains(out, "no space left on device")
	})

	n.endMarked(7, 0)
	n.says("meshos: ended: exit status 0")
	second := n.pidOf(7, first)
	n.endMarked(7, 3)
	n.says("meshos: crashed: exit status 3")
	third := n.pidOf(7, second)

	n.write(read(t, n.config) + n.markedDaemon(8)) // one that has no space reserved
	n.hangUp()
	n.pidOf(8, 0)
	n.says("meshos: it has no record")
	n.endMarked(8, 4)
	n.says("meshos: crashed: exit status 4")
	eighth := n.pidOf(8, 0)
	if _, errs, code := n.meshos("daemon", "stop", "8", "--yes"); code != 4 {
		t.Errorf("an order that can't be kept ended with %d: %s", code, errs)
	}

	n.kill()
	n.out = &plugintest.Buffer{}
	n.start() // on the full disk, too
	if got := n.pidOf(7, 0); got != third {
		t.Errorf("daemon 7 runs as %d, was %d", got, third)
	}
	if got := n.pidOf(8, 0); got != eighth {
		t.Errorf("daemon 8 runs as %d, was %d", got, eighth)
	}
	n.until("the failure record", func(s *meshosv1.Snapshot) bool { return failed(s, "data_dir", "can't be written") })
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "the record of daemon 8", func() bool {
		rec, err := shim.FolderOf(filepath.Join(disk, "daemons"), 8).Load()
		return err == nil && int64(rec.Process.PID) == eighth
	})
	testkit.Until(t, "an order to be taken", func() bool {
		_, _, code := n.meshos("daemon", "stop", "8", "--yes")
		return code == 0
	})
	n.until("status to say that all is well", func(*meshosv1.Snapshot) bool {
		out, _, _ := n.meshos("health")
		return !strings.Contains(out, "data directory")
	})
	if snap := n.status(); logged(snap, unknownEnd) {
		t.Error("an end was not told as it was")
	}
}

func TestANodeOnAReadOnlyDiskSupervises(t *testing.T) {
	t.Parallel()
	var disk string
	n := onDisk(t, func(dir string) { disk = dir; testkit.SmallDisk(t, dir, 8<<20) })
	testkit.ReadOnly(t, disk, true)
	n.start()
	first := n.pidOf(7, 0)
	n.until("the failure record", func(s *meshosv1.Snapshot) bool { return failed(s, "data_dir", "read-only file system") })
	out, errs, code := n.meshos("daemon", "stop", "7", "--yes")
	if code != 4 || !strings.Contains(out+errs, "can't write to disk") {
		t.Errorf("an order that can't be kept ended with %d: %s%s", code, out, errs)
	}
	n.endMarked(7, 3)
	n.says("meshos: crashed: exit status 3")
	second := n.pidOf(7, first)

	n.kill()
	n.out = &plugintest.Buffer{}
	n.start()
	if got := n.pidOf(7, 0); got != second {
		t.Errorf("the daemon runs as %d, was %d", got, second)
	}
	testkit.ReadOnly(t, disk, false)
	testkit.Until(t, "an order to be taken", func() bool {
		_, _, code := n.meshos("daemon", "stop", "7", "--yes")
		return code == 0
	})
	n.until("the stop", func(s *meshosv1.Snapshot) bool { return is(s, 7, meshosv1.DaemonView_LIFECYCLE_STOPPED) })
	n.wantsOrderlyEnd()
}

func TestANodeWhoseDiskTurnsReadOnlySupervises(t *testing.T) {
	t.Parallel()
	var fail func()
	n := onDisk(t, func(dir string) { fail = testkit.BreakingDisk(t, dir) })
	n.start()
	first := n.pidOf(7, 0)
	fail()
	n.endMarked(7, 3)
	n.says("meshos: crashed: exit status 3")
	second := n.pidOf(7, first)
	n.until("the failure record", func(s *meshosv1.Snapshot) bool { return failed(s, "records", "read-only file system") })
	if _, errs, code := n.meshos("daemon", "stop", "7", "--yes"); code != 4 {
		t.Errorf("an order that can't be kept ended with %d: %s", code, errs)
	}
	n.kill()
	n.out = &plugintest.Buffer{}
	n.start()
	if got := n.pidOf(7, 0); got != second {
		t.Errorf("the daemon runs as %d, was %d", got, second)
	}
	n.wantsOrderlyEnd()
}

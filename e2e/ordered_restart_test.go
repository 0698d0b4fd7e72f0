package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// counted is a daemon that counts its starts, and does not end when it is asked to.
const counted = `[restart]
stop_grace = "1h"
[[daemon]]
id = 1
name = "web"
command = ["sh", "-c", "trap '' TERM; echo x >> starts; while :; do sleep 0.1; done"]
dir = "."
`

// started fails the test unless a daemon was started so often.
func (n *node) started(want int) {
	n.t.Helper()
	starts, err := os.ReadFile(filepath.Join(n.dir, "starts"))
	if got := strings.Count(string(starts), "x"); err != nil || got != want {
		n.t.Errorf("started %d times, want %d, %v", got, want, err)
	}
}

// A restart that was answered is carried out once, also if the node is killed right behind
// the answer, while it waits for the process to end, and when it is done.
func TestP2_B25_ARestartOfADaemonOutlivesTheNode(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write("[node]\nid = 1\nlisten = \"\"\n[loop]\ntick_interval = \"4s\"\n" + counted)
	n.start()
	running := func(s *meshosv1.Snapshot) bool { return is(s, 1, up) }
	n.until("a tick", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
	testkit.Until(t, "the daemon's start", func() bool {
		_, err := os.Stat(filepath.Join(n.dir, "starts"))
		return err == nil
	})
	n.must("daemon", "restart", "web", "--yes")
	n.kill() // before the next tick, unless the machine is very busy
	if _, err := os.Stat(filepath.Join(n.dir, "var", "ordered", "checkpoint")); err == nil {
		t.Log("the order is in the checkpoint, so this does not show that the log is enough")
	}
	n.write(quick + counted)
	for range 2 {
		n.again()
		n.until("the daemon being stopped", func(s *meshosv1.Snapshot) bool {
			return s.GetTick() > 10 && is(s, 1, meshosv1.DaemonView_LIFECYCLE_STOPPING)
		})
		n.kill()
	}
	n.started(1)
	endDaemons(t, filepath.Join(n.dir, "var", "daemons"))
	n.again()
	before := n.until("the daemon started again", running)
	n.until("some ticks", func(s *meshosv1.Snapshot) bool { return s.GetTick() > before.GetTick()+5 && running(s) })
	n.kill()
	n.again()
	n.until("the daemon running on", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 20 && running(s) })
	n.started(2)
}

// A daemon that was taken over is as old as its process.
func TestADaemonsAgeOutlivesTheNode(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write(quick + counted)
	n.start()
	before := n.until("the daemon running", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) && s.GetTick() > 10 })
	n.kill()
	n.again()
	after := n.until("the daemon running on", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) })
	passed := after.GetTakenAt().AsTime().Sub(before.GetTakenAt().AsTime())
	was, now := before.GetDaemons()[0].GetAge().AsDuration(), after.GetDaemons()[0].GetAge().AsDuration()
	if off := now - was - passed; off.Abs() > (was+passed)/2 {
		t.Errorf("it was %s old, and is %s old after %s", was, now, passed)
	}
}

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/testkit"
)

// A node whose daemon does not mind SIGTERM takes its time to end.
func TestAThirdSIGTERMEndsANodeAtOnceAndNamesWhatIsLeft(t *testing.T) {
	n := prepare(t, func(text string) string {
		return text + "\n[[daemon]]\nid = 99\nname = \"stubborn\"\n" +
			"command = [\"/bin/sh\", \"-c\", \"trap '' TERM; echo deaf; while :; do sleep 0.05; done\"]\n"
	}).start("--stop-daemons")
	n.until("a complete snapshot", complete)
	testkit.Until(t, "the daemon to be deaf", func() bool { return strings.Contains(n.must("logs"), "stubborn: deaf") })
	for range 2 {
		if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		testkit.Until(t, "the end to begin", func() bool { return strings.Contains(n.out.String(), "node ends") })
	}
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-n.exited:
	case <-time.After(30 * time.Second):
		t.Fatal("the node goes on")
	}
	if code := n.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(n.out.String(), "left behind: an end at once was asked for") {
		t.Errorf("exit code %d", code)
	}
}

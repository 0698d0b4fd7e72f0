package e2e

import (
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
)

// A node whose daemon does not mind SIGTERM takes its time to end.
func TestAThirdSIGTERMEndsANodeAtOnceAndNamesWhatIsLeft(t *testing.T) {
	t.Parallel()
	n := prepare(t, func(text string) string {
		return text + "\n[[daemon]]\nid = 99\nname = \"stubborn\"\n" +
			"command = [\"/bin/sh\", \"-c\", \"trap '' TERM; echo deaf; while :; do sleep 0.05; done\"]\n"
	}).start("--stop-daemons")
	n.until("a complete snapshot", complete)
	testkit.Until(t, "the daemon to be deaf", func() bool { return strings.Contains(n.must("logs"), "stubborn: deaf") })
	// Signals of a kind that are not taken yet are one, so there may have to be more than three.
	testkit.Until(t, "the end", func() bool {
		_ = n.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-n.exited:
			return true
		default:
			return false
		}
	})
	if code := n.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(n.out.String(), "left behind: an end at once was asked for") {
		t.Errorf("exit code %d", code)
	}
}

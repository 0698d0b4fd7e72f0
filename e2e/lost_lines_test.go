package e2e

import (
	"fmt"
	"os"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// What a full disk did not take is counted, also if the daemon, and with it who counts, ends
// before the disk takes anything again.
func TestLinesThatAFullDiskDidNotTakeAreCountedAfterTheEnd(t *testing.T) {
	t.Parallel()
	var disk string
	n := onDisk(t, func(dir string) { disk = dir; testkit.SmallDisk(t, dir, 8<<20) })
	n.write(read(t, n.config) + fmt.Sprintf("\n[[daemon]]\nid = 90\nname = \"printer\"\nrestart = \"never\"\nenv = { MARK = %q }\n"+
		"command = [\"/bin/sh\", \"-c\", \"while [ ! -e $MARK ]; do sleep 0.05; done; seq 3000\"]\n", n.mark(90)))
	n.start()
	n.pidOf(90, 0)
	filler := testkit.Fill(t, disk)
	if err := os.WriteFile(n.mark(90), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n.until("the end of the daemon", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 90).GetOutcome() == meshosv1.DaemonView_OUTCOME_DONE
	})
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	n.until("all lines to be recorded or counted", func(*meshosv1.Snapshot) bool {
		lines, missing := n.printed("90")
		return len(lines)+missing == 3000
	})
}

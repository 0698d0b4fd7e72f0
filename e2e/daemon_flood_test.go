package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// printed returns the numbers that a daemon has printed and that are recorded, and how many of
// its lines are said to be suppressed or lost, over all runs of the node.
func (n *node) printed(daemon string) (lines []int, missing int) {
	n.t.Helper()
	in := bufio.NewScanner(strings.NewReader(n.must("logs", "--since", "all", "--daemon", daemon, "-o", "json")))
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var l struct{ Message string }
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			n.t.Fatal(err)
		}
		var k int
		if i, err := strconv.Atoi(l.Message); err == nil {
			lines = append(lines, i)
			continue
		}
		for _, said := range []string{"meshos: %d lines suppressed", "meshos: %d lines lost"} {
			if _, err := fmt.Sscanf(l.Message, said, &k); err == nil {
				missing += k
			}
		}
	}
	return lines, missing
}

// writtenBytes returns how much a process has written to files and pipes.
func writtenBytes(t *testing.T, pid int) (n int) {
	t.Helper()
	for line := range strings.Lines(read(t, fmt.Sprintf("/proc/%d/io", pid))) {
		if _, err := fmt.Sscanf(line, "wchar: %d", &n); err == nil {
			return n
		}
	}
	t.Fatal("the kernel does not say what was written")
	return 0
}

// Each line is either logged once or counted, although the node is killed meanwhile.
func TestAFloodOfADaemonIsCountedAndNotStored(t *testing.T) {
	t.Parallel()
	mark, total := "", 3_000_000
	n := prepare(t, func(text string) string {
		return text + fmt.Sprintf("\n[[daemon]]\nid = 90\nname = \"flood\"\nenv = { MARK = \"MARKFILE\" }\n"+
			"command = [\"/bin/sh\", \"-c\", \"seq %d; while [ ! -e $MARK ]; do sleep 0.1; done; seq %d %d; exec sleep 600\"]\n",
			total/2, total/2+1, total)
	})
	mark = n.dir + "/second"
	n.write(strings.Replace(read(t, n.config), "MARKFILE", mark, 1))
	n.start()
	n.until("the flood", func(*meshosv1.Snapshot) bool {
		lines, suppressed := n.printed("90")
		return len(lines)+suppressed == total/2
	})
	shim := n.daemon(90).Shim.PID
	if got := writtenBytes(t, shim); got > 1<<20 {
		t.Errorf("for 11 MB of output %d bytes were written", got)
	}
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "the lines of the second flood that are stored", func() bool {
		lines, _ := n.printed("90")
		return len(lines) > 0 && lines[len(lines)-1] >= total/2+spool.MaxLines
	})
	n.kill()
	n.out = &plugintest.Buffer{}
	n.start()
	n.until("the rest of the flood", func(*meshosv1.Snapshot) bool {
		lines, suppressed := n.printed("90")
		return len(lines)+suppressed >= total
	})
	lines, suppressed := n.printed("90")
	for i := 1; i < len(lines); i++ {
		if lines[i] <= lines[i-1] {
			t.Fatalf("after %d came %d", lines[i-1], lines[i])
		}
	}
	if len(lines)+suppressed != total {
		t.Errorf("%d lines are recorded and %d were suppressed, of %d", len(lines), suppressed, total)
	}
	if got := writtenBytes(t, shim); got > 1<<20 {
		t.Errorf("for 23 MB of output %d bytes were written", got)
	}
}

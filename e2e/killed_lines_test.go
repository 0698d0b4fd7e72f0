package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Lines that a node had taken and not recorded when it was killed are recorded by the next one,
// and none is recorded twice, whether the disk was full meanwhile or not.
func TestNoLineIsLostWithNodesThatAreKilled(t *testing.T) {
	t.Parallel()
	var disk string
	n := onDisk(t, func(dir string) { disk = dir; testkit.SmallDisk(t, dir, 8<<20) })
	count := filepath.Join(n.dir, "count")
	n.write(regexp.MustCompile(`(?m)^#tick_interval.*$`).ReplaceAllString(read(t, n.config), `tick_interval = "2s"`) +
		fmt.Sprintf("\n[[daemon]]\nid = 90\nname = \"counter\"\nenv = { COUNT = %q }\n"+
			"command = [\"/bin/sh\", \"-c\", \"i=0; while :; do i=$((i+1)); echo $i; echo $i > $COUNT; sleep 0.02; done\"]\n", count))
	counted := func() int {
		text, _ := os.ReadFile(count)
		n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return n
	}
	for round := range 4 {
		n.out = &plugintest.Buffer{}
		n.start()
		n.until("the daemon", func(s *meshosv1.Snapshot) bool { return is(s, 90, meshosv1.DaemonView_LIFECYCLE_RUNNING) })
		var filler string
		if round == 2 {
			filler = testkit.Fill(t, disk)
		}
		before := counted()
		testkit.Until(t, "lines that no tick has seen yet", func() bool { return counted() > before+30 })
		n.kill()
		if filler != "" {
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
		}
	}
	n.out = &plugintest.Buffer{}
	n.start()
	n.until("an answer", func(s *meshosv1.Snapshot) bool { return is(s, 90, meshosv1.DaemonView_LIFECYCLE_RUNNING) })
	last := counted()
	var lines []int
	var said int
	testkit.Until(t, "all lines", func() bool {
		lines, said = n.printed("90")
		return len(lines) > 0 && lines[len(lines)-1] >= last
	})
	// A full disk may not even take what the daemon prints: then it is said how many lines.
	before, missing := 0, 0
	for _, line := range lines {
		if line <= before {
			t.Fatalf("line %d comes after line %d", line, before)
		}
		missing += line - before - 1
		before = line
	}
	if missing != said {
		t.Errorf("%d lines are missing, and %d are said to be; %d are recorded", missing, said, len(lines))
	}
}

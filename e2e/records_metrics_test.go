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
)

// metric returns the value of one series of the node, -1 for none.
func (n *node) metric(series string) float64 {
	n.t.Helper()
	_, page := get(n.t, "http://"+n.listen+"/metrics")
	found := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(series) + " (.*)$").FindStringSubmatch(page)
	if found == nil {
		return -1
	}
	value, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		n.t.Fatal(err)
	}
	return value
}

// A disk that takes nothing is seen from outside while it takes nothing, and what that cost
// afterwards.
func TestADiskThatTakesNoRecordsShowsInTheMetrics(t *testing.T) {
	t.Parallel()
	var disk string
	n := onDisk(t, func(dir string) { disk = dir; testkit.SmallDisk(t, dir, 8<<20) })
	n.start()
	n.pidOf(7, 0)
	of := func(name, chain string) float64 {
		return n.metric(fmt.Sprintf(`meshos_records_%s{chain=%q,node="1"}`, name, chain))
	}
	testkit.Until(t, "all records on disk", func() bool {
		return of("waiting", "log") == 0 && of("oldest_waiting_seconds", "log") == 0 && n.metric(`meshos_records_free_bytes{node="1"}`) > 1<<20
	})
	if got := of("write_failures_total", "log"); got != 0 {
		t.Errorf("%g writes failed", got)
	}
	filler := testkit.Fill(t, disk)
	lines := filepath.Join(n.dir, "lines")
	publish := func(count int) {
		t.Helper()
		text := strings.Repeat(`{"log_line":{"level":"LOG_LEVEL_INFO","message":"`+strings.Repeat("x", 500)+`"}}`+"\n", count)
		if err := os.WriteFile(lines, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		n.meshos("publish", "-f", lines) // what is over the node's budget of lines is refused
	}
	publish(20) // more than the rest of a page
	testkit.Until(t, "records that wait", func() bool {
		return of("waiting", "log") >= 10 && of("pending", "log") >= 10 && of("oldest_waiting_seconds", "log") > 1 &&
			of("oldest_pending_seconds", "log") > 1 && of("write_failures_total", "log") > 0
	})
	if got := of("lost_total", "log"); got != 0 {
		t.Errorf("%g records are lost while there is room for them", got)
	}
	testkit.Until(t, "records that are lost", func() bool {
		publish(200)
		return of("lost_total", "log") > 0
	})
	if got := of("waiting", "log"); got > 2048 {
		t.Errorf("%g records wait", got)
	}
	testkit.Until(t, "no room", func() bool { return n.metric(`meshos_records_free_bytes{node="1"}`) == 0 })
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "all records on disk again", func() bool {
		return of("waiting", "log") == 0 && of("oldest_pending_seconds", "log") == 0 && n.metric(`meshos_records_free_bytes{node="1"}`) > 1<<20
	})
	lost := of("lost_total", "log")
	n.end()
	if got := n.must("audit", "verify", filepath.Join(n.dir, "var")); !strings.Contains(got, fmt.Sprintf("of %.0f records that were lost before they could be written", lost)) {
		t.Errorf("%g records are lost by the metric; verify says\n%s", lost, got)
	}
}

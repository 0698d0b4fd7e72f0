package e2e

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// restart ends the node and starts it again.
func (n *node) restart() *node {
	n.t.Helper()
	n.end()
	return n.start()
}

// What happened before a restart is shown like what happened after it, and each record says
// in which run.
func TestHistoryDoesNotStopAtARestart(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	n.until("the first actions", func(s *meshosv1.Snapshot) bool { return s.GetStats().GetDispatched() > 0 })
	n.must("publish", `{"log_line":{"level":"LOG_LEVEL_WARN","message":"from the first run"}}`)
	n.must("admin", "cordon", "--yes", "-m", "kernel upgrade")
	first := n.until("the line", func(s *meshosv1.Snapshot) bool { return logged(s, "from the first run") })
	n.restart()
	second := n.until("a tick", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 && s.GetEpoch() != first.GetEpoch() })
	n.must("publish", `{"log_line":{"level":"LOG_LEVEL_WARN","message":"from the second run"}}`)
	n.until("the line", func(s *meshosv1.Snapshot) bool { return logged(s, "from the second run") })

	lines := n.must("logs", "--level", "warn")
	again := fmt.Sprintf("-- the node started again: epoch %016x --", second.GetEpoch())
	before, after, ok := strings.Cut(lines, again)
	if !ok || !strings.Contains(before, "from the first run") || !strings.Contains(after, "from the second run") {
		t.Errorf("logs shows\n%s", lines)
	}
	if got := n.must("logs", "-n", "1", "--level", "warn", "--until", first.GetTakenAt().AsTime().Format("2006-01-02T15:04:05.999999999Z")); !strings.Contains(got, "WARN") || strings.Contains(got, "second") {
		t.Errorf("up to the end of the first run there is\n%s", got)
	}
	if got := n.must("actions"); !strings.Contains(got, "start_daemon") {
		t.Errorf("actions shows\n%s", got)
	}
	if got := n.must("audit", "tail"); !strings.Contains(got, "cordon node 1 (kernel upgrade)") {
		t.Errorf("audit tail shows\n%s", got)
	}
	raw := n.must("audit", "tail", "-o", "json")
	record := &meshosv1.AdminAuditRecord{}
	if err := protojson.Unmarshal([]byte(strings.SplitN(raw, "\n", 2)[0]), record); err != nil {
		t.Fatal(err)
	}
	if record.GetNode() != first.GetNode() || record.GetEpochHex() != fmt.Sprintf("%016x", first.GetEpoch()) {
		t.Errorf("the record is %v", record)
	}
	if got := n.must("logs", "--since", "7d", "--level", "warn"); !strings.Contains(got, "from the first run") {
		t.Errorf("since 7d there is\n%s", got)
	}

	n.end()
	if got := n.must("logs", "--dir", n.dir+"/var", "--level", "warn"); !strings.Contains(got, "from the first run") || !strings.Contains(got, again) {
		t.Errorf("without a node logs shows\n%s", got)
	}
}

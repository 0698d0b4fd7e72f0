package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// An orchestrator tells a node of 100,000 chains that lack replicas. Its snapshot fits into no
// message, and whoever looks at it need not know that.
func TestANodeWithManyChainsIsShown(t *testing.T) {
	t.Parallel()
	const chains = 100_000
	n := small(t, "")
	n.start()
	n.until("it answers", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
	const part = 5_000 // of which a busy machine takes one within the deadline of a command
	for from := 1; from <= chains; from += part {
		var text strings.Builder
		for c := from; c < from+part; c++ {
			fmt.Fprintf(&text, `{"replica_update":{"kind":"KIND_ADDED","chain":%d,"holder":%d}}`+"\n", c, 1_000_000_000_000+c)
			fmt.Fprintf(&text, `{"placement_intent":{"chain":%d,"desired_replicas":3}}`+"\n", c)
		}
		events := filepath.Join(n.dir, "events")
		if err := os.WriteFile(events, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		n.must("publish", "-f", events)
	}
	whole := func() *meshosv1.Snapshot {
		t.Helper()
		s := &meshosv1.Snapshot{}
		if err := protojson.Unmarshal([]byte(n.must("status", "-o", "json")), s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	testkit.Until(t, "all chains in one document", func() bool {
		s := whole()
		return len(s.GetReplicas()) == chains && s.GetReplicas()[chains-1].GetDesired() == 3 && s.GetNextPage() == "" && s.GetCounts() == nil
	})
	page := n.must("status")
	if lines := strings.Count(page, "\n"); lines > 100 || !strings.Contains(page, "99950 more like these (meshos status --all shows all)") {
		t.Errorf("status has %d lines:\n%s", lines, page)
	}

	watch := n.follow("status", "-w", "-o", "json")
	testkit.Until(t, "the whole", func() bool { return strings.Count(watch.out.String(), "\n") > 0 })
	n.must("publish", `{"replica_update":{"kind":"KIND_ADDED","chain":77,"holder":5}}`)
	testkit.Until(t, "the one chain that changed", func() bool {
		lines := strings.Split(watch.out.String(), "\n")
		for _, line := range lines[1 : len(lines)-1] {
			var d meshosv1.SnapshotDelta
			if err := protojson.Unmarshal([]byte(line), &d); err != nil {
				t.Fatalf("%v: %.200s", err, line)
			}
			if len(d.GetReplicas()) > 10 {
				t.Fatalf("%d chains changed", len(d.GetReplicas()))
			}
			if len(d.GetReplicas()) == 1 && d.GetReplicas()[0].GetChain() == 77 {
				return true
			}
		}
		return false
	})
}

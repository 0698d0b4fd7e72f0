package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// snapshotAfter returns the snapshot that replay --snapshot prints.
func (n *node) snapshotAfter(args ...string) *meshosv1.Snapshot {
	n.t.Helper()
	lines := strings.Split(strings.TrimSpace(n.must(append([]string{"replay", "--snapshot"}, args...)...)), "\n")
	text := strings.TrimSuffix(strings.TrimPrefix(lines[len(lines)-1], `{"snapshot":`), "}")
	var snap meshosv1.Snapshot
	if err := protojson.Unmarshal([]byte(text), &snap); err != nil {
		n.t.Fatalf("%v: %s", err, text)
	}
	return &snap
}

func TestP3_ARecordingOfANodeWithAllPluginsReplaysToTheSameSnapshots(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	journal := filepath.Join(n.dir, "journal.jsonl")
	n.start("--journal", journal)
	n.until("everything runs", func(s *meshosv1.Snapshot) bool {
		return complete(s) && len(s.GetDaemons()) > 0 &&
			s.GetDaemons()[0].GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING
	})
	n.must("publish", `{"rtt_sample":{"peer":2,"rtt":"0.9s"}}`, `{"replica_update":{"kind":"KIND_ADDED","chain":7,"holder":1}}`,
		`{"admin":{"cordon":{"node":3}}}`)
	lived := []*meshosv1.Snapshot{n.until("the slow peer is avoided", func(s *meshosv1.Snapshot) bool {
		return len(s.GetAvoidList()) > 0
	})}
	n.must("publish", `{"daemon_intent":{"daemon":{"id":`+strconv.FormatUint(lived[0].GetDaemons()[0].GetDaemon().GetId(), 10)+`},"intent":"INTENT_STOP"}}`)
	lived = append(lived, n.until("the daemon stops", func(s *meshosv1.Snapshot) bool {
		return s.GetDaemons()[0].GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_STOPPED
	}))
	n.end()

	for _, want := range lived {
		// The node adds these when it publishes a snapshot; the core does not know them.
		want.Plugins, want.Stats, want.Scheduler, want.Info = nil, nil, nil, nil
		got := n.snapshotAfter(journal, "--until", strconv.FormatUint(want.GetTick(), 10))
		if !proto.Equal(want, got) {
			t.Errorf("at tick %d the node showed\n%s\nand the replay shows\n%s", want.GetTick(), protojson.Format(want), protojson.Format(got))
		}
	}
	if _, errs, code := n.meshos("replay", journal, "--diff", journal); code != 0 || errs != "" {
		t.Errorf("exit code %d: %s", code, errs)
	}
	printed := filepath.Join(n.dir, "printed")
	if err := os.WriteFile(printed, []byte(n.must("replay", journal, "--snapshot")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := n.must("replay", journal, "--diff", printed); !strings.HasPrefix(out, "equal: ") {
		t.Error(out)
	}
}

// A node that is killed leaves a journal that is complete up to its last second.
func TestTheJournalOfANodeThatWasKilledReplays(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	journal := filepath.Join(n.dir, "journal.jsonl")
	n.start("--journal", journal)
	n.until("some seconds", func(s *meshosv1.Snapshot) bool { return s.GetInfo().GetUptime().AsDuration() >= 3*time.Second })
	_ = n.cmd.Process.Kill()
	<-n.exited
	out, errs, code := n.meshos("replay", journal)
	if code != 0 || !strings.HasPrefix(out, `{"tick":1,`) {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	// The next run begins a new journal and keeps this one.
	n.start("--journal", journal)
	n.until("the node is back", func(s *meshosv1.Snapshot) bool { return s.GetTick() >= 1 })
	if again, _, code := n.meshos("replay", journal+".old"); code != 0 || again != out {
		t.Errorf("exit code %d: the journal of the earlier run has changed", code)
	}
}

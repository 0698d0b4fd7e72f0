package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// record runs the node with a journal; the test ends it with the function given
// back, which tells whether it ended in order.
func (n *node) record(journal string) (end func()) {
	n.t.Helper()
	n.cmd = exec.Command(filepath.Join(bin, "meshos"), "run", "-c", n.config, "--journal", journal)
	n.cmd.Stdout, n.cmd.Stderr = n.out, n.out
	n.cmd.WaitDelay = 5 * time.Second
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.exited = make(chan struct{})
	go func() {
		n.err = n.cmd.Wait()
		close(n.exited)
	}()
	end = func() {
		_ = n.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-n.exited:
		case <-time.After(10 * time.Second):
			_ = n.cmd.Process.Kill()
			<-n.exited
			n.t.Error("the node did not end within 10 s of SIGTERM")
		}
	}
	n.t.Cleanup(func() {
		end()
		if n.t.Failed() {
			n.t.Logf("the node said:\n%s", n.out)
		}
	})
	return end
}

// snapshotAfter gives what replay --snapshot prints last.
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

func TestP3_ARecordingOfANodeWithAllPluginsReplaysToTheSame(t *testing.T) {
	n := prepare(t)
	journal := filepath.Join(n.dir, "journal.jsonl")
	end := n.record(journal)
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
	end()

	for _, want := range lived {
		// What is added when a snapshot is published is not the core's.
		want.Plugins, want.Stats, want.Scheduler = nil, nil, nil
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

// A node that is killed leaves a journal that is right up to its last second.
func TestTheJournalOfANodeThatWasKilledReplays(t *testing.T) {
	n := prepare(t)
	journal := filepath.Join(n.dir, "journal.jsonl")
	n.record(journal)
	n.until("some ticks", func(s *meshosv1.Snapshot) bool { return s.GetTick() >= 5 })
	_ = n.cmd.Process.Kill()
	<-n.exited
	out, errs, code := n.meshos("replay", journal)
	if code != 0 || !strings.HasPrefix(out, `{"tick":1,`) {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	// The next run begins a journal of its own and keeps this one.
	n.record(journal)
	n.until("the node is back", func(s *meshosv1.Snapshot) bool { return s.GetTick() >= 1 })
	if again, _, code := n.meshos("replay", journal+".old"); code != 0 || again != out {
		t.Errorf("exit code %d: the journal of the run before is not what it was", code)
	}
}

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func isCordoned(s *meshosv1.Snapshot, id uint64) bool {
	for _, p := range s.GetPeers() {
		if p.GetPeer() == id {
			return p.GetCordoned()
		}
	}
	return false
}

// A node whose ticks are an hour apart begins at once, and starts what it should; a commit is
// answered, durable, in force and shown before the next tick; and its journal replays to that.
func TestNothingWaitsForATick(t *testing.T) {
	t.Parallel()
	key := newOperatorKey(t)
	n := prepare(t)
	if err := os.WriteFile(filepath.Join(n.dir, "allowed_signers"), append([]byte("alice "), ssh.MarshalAuthorizedKey(key.signer.PublicKey())...), 0o600); err != nil {
		t.Fatal(err)
	}
	n.write("[node]\nid = 1\nlisten = \"\"\n[loop]\ntick_interval = \"1h\"\n[operators]\nsigners = \"allowed_signers\"\n" +
		"[[daemon]]\nid = 1\nname = \"db\"\ncommand = [\"/bin/sleep\", \"1000\"]\n" +
		"[[daemon]]\nid = 2\nname = \"web\"\ncommand = [\"/bin/sleep\", \"1000\"]\nafter = [\"db\"]\n")
	journal := filepath.Join(n.dir, "journal.jsonl")
	n.start("--journal", journal)
	n.until("both daemons run, one after the other", func(s *meshosv1.Snapshot) bool {
		d := s.GetDaemons()
		return len(d) == 2 && d[0].GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING && d[1].GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for node := uint64(2); node < 12; node++ {
		command, err := key.command(node)
		if err != nil {
			t.Fatal(err)
		}
		record, err := n.host.Commit(ctx, &hostv1.CommitRequest{Commit: command}, grpc.WaitForReady(true))
		if err != nil || record.GetOutcome().GetVerdict() != meshosv1.VerificationOutcome_VERDICT_ACCEPTED {
			t.Fatal(record, err)
		}
		// Whoever reads after the answer sees what was ordered.
		if s, err := n.host.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{}); err != nil || !isCordoned(s, node) {
			t.Errorf("node %d was cordoned, and the next snapshot does not show it: %v", node, err)
		}
	}
	if stats := n.snapshot().GetStats(); stats.GetTicks() != 1 || stats.GetEarlyTicks() < 2 {
		t.Errorf("%d ticks and %d early ones, want one and some", stats.GetTicks(), stats.GetEarlyTicks())
	}
	if got := exported(t, n); len(got) != 10 {
		t.Errorf("%d commits are on disk, want 10", len(got))
	}
	n.end()
	if after := n.snapshotAfter(journal); !isCordoned(after, 11) {
		t.Error("a replay of the journal does not end as the node did")
	}
	if out := n.must("replay", journal); strings.Count(out, `"early":true`) < 2 {
		t.Errorf("the replay shows no early ticks:\n%s", out)
	}
}

// A node is complete without waiting for its second whole tick.
func TestTheFirstTicksFollowEachOtherUntilAllProbesHaveAnswered(t *testing.T) {
	t.Parallel()
	n := prepare(t, func(text string) string {
		return strings.Replace(text, "[loop]", "[loop]\ntick_interval = \"10m\"", 1)
	}).start()
	n.until("everything is known", func(s *meshosv1.Snapshot) bool {
		health, measured := map[meshosv1.NodeHealth]int{}, 0
		for _, p := range s.GetPeers() {
			health[p.GetHealth()]++
			if p.GetEchoes() != nil {
				measured++
			}
		}
		return complete(s) && health[meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE] > 0 && measured > 0
	})
}

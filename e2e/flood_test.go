package e2e

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/encoding/protojson"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

var buildFlooder = sync.OnceValues(func() (string, error) {
	path := filepath.Join(bin, "flooder")
	if out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", path, "../host/catalog/internal/flooder").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// flooded lays out a node with a plugin that floods it. The operators of the node are the
// owner of the key.
func flooded(t *testing.T, with, kind, entry string, key *operatorKey) *node {
	t.Helper()
	path, err := buildFlooder()
	if err != nil {
		t.Fatal(err)
	}
	n := prepare(t)
	text := "[node]\nid = 1\nlisten = \"\"\n[loop]\ntick_interval = \"50ms\"\n"
	if key != nil {
		authorized := string(ssh.MarshalAuthorizedKey(key.signer.PublicKey()))
		if err := os.WriteFile(filepath.Join(n.dir, "allowed_signers"), []byte("alice "+authorized), 0o600); err != nil {
			t.Fatal(err)
		}
		text += "[operators]\nsigners = \"allowed_signers\"\n"
	}
	n.write(text + fmt.Sprintf("[[plugin]]\nname = \"flooder\"\npath = %q\nkinds = [%q]\n%s\n[plugin.config]\nwith = %q\n", path, kind, entry, with))
	return n
}

// audited returns the node's audit records on disk.
func audited(t *testing.T, n *node) (out []*meshosv1.AdminAuditRecord) {
	t.Helper()
	for line := range strings.Lines(n.must("audit", "export")) {
		record := &meshosv1.AdminAuditRecord{}
		if err := protojson.Unmarshal([]byte(line), record); err != nil {
			t.Fatalf("audit export: %v in %s", err, line)
		}
		out = append(out, record)
	}
	return out
}

// A recovery handler answers 2,000 commands at every tick, refused or granted: each
// command of an operator that was answered is on disk.
func TestP2_AFloodOfCommandsErasesNoOperatorsRecord(t *testing.T) {
	t.Parallel()
	for name, operators := range map[string]bool{"refused": true, "granted": false} {
		t.Run(name, func(t *testing.T) {
			key := newOperatorKey(t)
			of, entry := &key, ""
			if !operators {
				of, entry = nil, `events = ["facts", "admin"]`
			}
			n := flooded(t, "commands", "recovery_handler", entry, of).start()
			n.until("the flood", func(s *meshosv1.Snapshot) bool {
				return slices.ContainsFunc(s.GetAdminAudit(), func(r *meshosv1.AdminAuditRecord) bool {
					return r.GetEvent().GetCordon().GetNode() == 1
				})
			})
			ids := map[string]bool{}
			for range 20 {
				command, err := key.command(2)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				record, err := n.host.Commit(ctx, &hostv1.CommitRequest{Commit: command})
				cancel()
				if err != nil || record.GetOutcome().GetVerdict() == meshosv1.VerificationOutcome_VERDICT_REJECTED {
					t.Fatalf("%v, %v", record, err)
				}
				ids[hex.EncodeToString(record.GetCommitId())] = true
			}
			before := n.status().GetTick()
			snap := n.until("more ticks", func(s *meshosv1.Snapshot) bool { return s.GetTick() > before+20 })
			if cordoned := snap.GetLocalMaintenance().GetCordoned(); cordoned == operators {
				t.Errorf("the plugin's command was carried out: %v", cordoned)
			}
			n.end()
			refused := uint64(0)
			for _, r := range audited(t, n) {
				delete(ids, hex.EncodeToString(r.GetCommitId()))
				if f := r.GetRefusal(); f != nil {
					refused += 1 + f.GetMore()
					if f.GetSource() != "recovery_handler:flooder" || f.GetKind() != "cordon" || r.GetOutcome().GetKind() != "unsigned" {
						t.Errorf("refused %v: %v", f, r.GetOutcome())
					}
				}
			}
			if len(ids) != 0 {
				t.Errorf("%d of 20 commands are not on disk", len(ids))
			}
			if operators != (refused >= 2000) {
				t.Errorf("%d refusals are counted", refused)
			}
		})
	}
}

// An event source of unsigned orders ends nothing, and leaves one record a second.
func TestB20_UnsignedOrdersOfAnEventSourceAreRefused(t *testing.T) {
	t.Parallel()
	key := newOperatorKey(t)
	n := flooded(t, "orders", "event_source", `events = ["facts", "shutdown"]`, &key)
	began := time.Now()
	n.start()
	n.until("the refusal as a failure", func(s *meshosv1.Snapshot) bool {
		return failed(s, "event_source:flooder", "a shutdown was refused: unsigned")
	})
	counted := func(s *meshosv1.Snapshot) (records int, refused uint64) {
		for _, r := range s.GetAdminAudit() {
			if f := r.GetRefusal(); f.GetKind() == "shutdown" && f.GetSource() == "event_source:flooder" {
				records++
				refused += 1 + f.GetMore()
			}
		}
		return records, refused
	}
	snap := n.until("the count of the others", func(s *meshosv1.Snapshot) bool {
		_, refused := counted(s)
		return refused > 4000
	})
	if records, refused := counted(snap); float64(records) > 3+time.Since(began).Seconds() {
		t.Errorf("%d records of %d refusals after %v", records, refused, time.Since(began))
	}
	stdout, stderr, code := n.meshos("publish", `{"rtt_sample":{"peer":"2","rtt":"0.3s"}}`, `{"shutdown":{}}`,
		`{"daemon_intent":{"daemon":{"id":"1"},"intent":"INTENT_STOP"}}`, `{"admin":{"cordon":{"node":"2"}}}`)
	if code != 4 || !strings.Contains(stdout, "1 event accepted") || strings.Count(stderr, "unsigned: ") != 3 ||
		!strings.Contains(stderr, "argument 3: unsigned: ") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	n.until("the records of what the API refused", func(s *meshosv1.Snapshot) bool {
		kinds := map[string]bool{}
		for _, r := range s.GetAdminAudit() {
			if r.GetRefusal().GetSource() == "api" {
				kinds[r.GetRefusal().GetKind()] = true
			}
		}
		return len(kinds) == 3
	})
	if out := n.must("audit", "tail"); !strings.Contains(out, "from event_source:flooder: shutdown") {
		t.Errorf("audit tail:\n%s", out)
	}
}

// A flood of lines pushes out nobody's but its own, in memory and on disk.
func TestP5_AFloodOfLinesPushesOutNobodysButItsOwn(t *testing.T) {
	t.Parallel()
	n := flooded(t, "lines", "event_source", "", nil).start()
	// Its lines are of one kind, so they are counted together.
	n.until("the flood", func(s *meshosv1.Snapshot) bool { return logged(s, "more like this") })
	for i := range 20 {
		n.must("publish", fmt.Sprintf(`{"log_line":{"level":"LOG_LEVEL_ERROR","message":"operator's line %d"}}`, i))
	}
	snap := n.until("the operator's lines", func(s *meshosv1.Snapshot) bool { return logged(s, "operator's line 19") })
	mine := 0
	for _, l := range snap.GetLogs() {
		switch {
		case strings.HasPrefix(l.GetMessage(), "operator's line"):
			mine++
			if l.GetSource() != "api" {
				t.Errorf("the line is of %q", l.GetSource())
			}
		case l.GetMessage() == "flood" && l.GetSource() != "plugin:flooder":
			t.Fatalf("the plugin's line is of %q", l.GetSource())
		}
	}
	if mine != 20 {
		t.Errorf("%d of 20 lines are in memory", mine)
	}
	out := n.must("logs")
	if strings.Count(out, "ERROR api: operator's line") != 20 || !strings.Contains(out, "plugin flooder: flood") || strings.Contains(out, "node: flood") {
		t.Errorf("%d of 20 lines are in the log", strings.Count(out, "ERROR api: operator's line"))
	}
}

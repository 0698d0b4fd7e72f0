package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// withOperators returns a node of ana (key 1, and 2 that has expired) and ben (key 3), with
// two peers, a daemon and an ssh-agent that holds the keys.
func withOperators(t *testing.T) *node {
	t.Helper()
	n := withDaemons(t, "[[daemon]]\nid = 3\nname = \"demo\"\ncommand = [\"sleep\", \"1000\"]\n[[peer]]\nid = 2\nname = \"beta\"\n[[peer]]\nid = 3\n",
		"[operators]\nsigners = \"allowed_signers\"\n")
	text, err := os.ReadFile(n.config)
	if err != nil {
		t.Fatal(err)
	}
	n.write(strings.Replace(string(text), "[node]", "[node]\nname = \"alpha\"", 1))
	n.signers("ana namespaces=\"meshos-admin\" 1", "ana valid-before=\"20250101Z\" 2", "ben 3")
	n.env = []string{"SSH_AUTH_SOCK=" + testkit.SSHAgent(t, 2, 1, 3)}
	n.start()
	n.until("the daemon to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) })
	return n
}

// signers writes the file of signers; each line ends with the number of a key.
func (n *node) signers(lines ...string) {
	n.t.Helper()
	var text strings.Builder
	for _, line := range lines {
		key := ssh.MarshalAuthorizedKey(testkit.SSHPublicKey(n.t, line[len(line)-1]-'0'))
		text.WriteString(line[:len(line)-1] + string(key))
	}
	if err := os.WriteFile(filepath.Join(n.dir, "allowed_signers"), []byte(text.String()), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

// twoSign has both operators sign a break-glass command, and sends it.
func (n *node) twoSign(args ...string) (stdout, stderr string, code int) {
	n.t.Helper()
	file := filepath.Join(n.t.TempDir(), "command")
	hash := n.blastHash(append(args, "--propose", file, "-o", "json")...)
	n.must("ice", "sign", file, "--yes", "--expect-hash", hash, "--key", "key-1", "--key", "key-3")
	return n.meshos("ice", "commit", file, "--yes", "--expect-hash", hash)
}

// blastHash returns the hash that a dry run prints as JSON, in the form that --expect-hash
// takes, after it ran the command itself.
func (n *node) blastHash(args ...string) string {
	n.t.Helper()
	n.must(args...)
	var file struct {
		Command struct {
			Hash string `json:"blast_hash"`
		} `json:"command"`
	}
	for i, arg := range args {
		if arg != "--propose" {
			continue
		}
		raw, err := os.ReadFile(args[i+1] + ".json")
		if err == nil {
			err = json.Unmarshal(raw, &file)
		}
		if err != nil {
			n.t.Fatal(err)
		}
	}
	return file.Command.Hash
}

// A freeze has a cooldown of its own: it is told of before two people sign, and holds up none
// of the commands that the freeze was made for.
func TestAFreezeHoldsUpNoOtherBreakGlassCommand(t *testing.T) {
	t.Parallel()
	n := withOperators(t)
	out, errs, code := n.twoSign("ice", "freeze", "--ttl", "10m")
	if code != 0 || !strings.HasSuffix(out, "Node 1 (alpha) is frozen. Nodes 2 (beta), 3 are not frozen: send the command to each of them, too.\n") {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if !strings.Contains(errs, "only node 1 (alpha) is asked, and it is frozen; nodes 2 (beta), 3 go on until the command is sent to each of them, too") {
		t.Errorf("the simulation says\n%s", errs)
	}
	for _, command := range [][]string{{"ice", "flush-avoid", "--global"}, {"ice", "evict", "7", "--victim", "beta"}, {"ice", "cutover", "8", "--target", "3"}} {
		if out, errs, code := n.twoSign(command...); strings.Contains(errs, "ice_cooldown_active") || code != 0 && !strings.Contains(errs, "unknown_id") {
			t.Errorf("%q: exit %d\n%s%s", command, code, out, errs)
		}
	}
	const told = "The node would reject it now: freezes have to wait until "
	if out := n.must("ice", "freeze", "--ttl", "1m", "--dry-run", "--key", "key-1"); !strings.Contains(out, told) {
		t.Errorf("a dry run says\n%s", out)
	}
	if out := n.must("ice", "flush-avoid", "--global", "--dry-run", "--key", "key-1"); !strings.Contains(out, "break-glass commands on the cluster as a whole have to wait until ") {
		t.Errorf("a dry run of a flush says\n%s", out)
	}
	if out := n.must("ice", "freeze", "--ttl", "1m", "--dry-run", "-o", "json"); !strings.Contains(out, `"of": "freezes"`) {
		t.Errorf("as JSON it is\n%s", out)
	}
	if _, errs, code := n.twoSign("ice", "freeze", "--ttl", "1m"); code != 4 || !strings.Contains(errs, "ice_cooldown_active: freezes have to wait until ") {
		t.Errorf("a second freeze: exit %d\n%s", code, errs)
	}
	var dry struct {
		Hash string `json:"blast_hash"`
	}
	if err := json.Unmarshal([]byte(n.must("ice", "thaw", "--dry-run", "-o", "json")), &dry); err != nil {
		t.Fatal(err)
	}
	n.must("ice", "thaw", "--yes", "--key", "key-1", "--expect-hash", dry.Hash)
}

func TestTheRunningNodeSaysWhoItsOperatorsAre(t *testing.T) {
	t.Parallel()
	n := withOperators(t)
	// ben's key counts, too, so that the agent has two.
	if _, errs, code := n.meshos("admin", "cordon", "--yes"); code != 2 || !strings.Contains(errs, "several keys") || strings.Contains(errs, "key-2") {
		t.Errorf("exit %d\n%s", code, errs)
	}
	n.signers("ana namespaces=\"meshos-admin\" 1", "ana valid-before=\"20250101Z\" 2", "ben namespaces=\"git\" 3")
	out := n.must("operators", "list")
	if !strings.Contains(out, "  ben  counts\n") || !strings.Contains(out, "takes this over:\n  - operator ben: key SHA256:") {
		t.Errorf("before the reload:\n%s", out)
	}
	n.must("reload")
	out = n.must("operators", "list")
	for _, want := range []string{
		"  ana  counts\n", "  ana  counts no more: it was valid until 2025-01-01 ", "  ben  may not sign commands: its namespaces are git\n",
		"A break-glass command needs the signatures of 2 different operators, and the",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	out, errs, code := n.meshos("admin", "cordon", "--yes")
	if code != 0 || !strings.Contains(out, "signed by ana with "+ssh.FingerprintSHA256(testkit.SSHPublicKey(t, 1))) ||
		!strings.Contains(errs, "(key-2) is no longer valid: valid-before is 2025-01-01T00:00:00Z\n") ||
		!strings.Contains(errs, "(key-3) may not sign commands: its namespaces are git\n") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if _, errs, code = n.meshos("admin", "cordon", "--node", "btea", "--dry-run"); code != 2 || !strings.Contains(errs, "did you mean beta?") {
		t.Errorf("exit %d\n%s", code, errs)
	}
	n.must("admin", "cordon", "--node", "beta", "--yes")
	n.until("beta to be cordoned", func(s *meshosv1.Snapshot) bool { return peer(s, 2).GetCordoned() })
	if out, _, _ = n.meshos("__complete", "admin", "drain", "--node", ""); !strings.HasPrefix(out, "alpha\nbeta\n3\n") {
		t.Errorf("completions:\n%s", out)
	}
}

// A command that changes nothing says so, in words and as JSON, whichever way it comes.
func TestWhatChangesNothingSaysSo(t *testing.T) {
	t.Parallel()
	n := withOperators(t)
	run := func(changes bool, why string, args ...string) {
		t.Helper()
		args = append(args, "--yes")
		if args[1] != "commit" {
			args = append(args, "--key", "key-1")
		}
		out := n.must(args...)
		if got := strings.Contains(out, "Nothing changed: "+why+".\n"); got == changes {
			t.Errorf("%q says\n%s", args, out)
		}
	}
	asJSON := func(why string, args ...string) {
		t.Helper()
		var got struct {
			Why string `json:"nothing_changed"`
			ID  string `json:"commit_id"`
		}
		out := n.must(append(args, "--yes", "--key", "key-1", "-o", "json")...)
		if err := json.Unmarshal([]byte(out), &got); err != nil || got.Why != why || len(got.ID) != 64 {
			t.Errorf("%q says %v\n%s", args, err, out)
		}
	}
	run(false, "daemon 3 (demo) runs already", "daemon", "start", "demo")
	run(true, "", "daemon", "restart", "demo")
	asJSON("", "daemon", "restart", "demo")
	run(true, "", "daemon", "stop", "demo")
	n.until("the daemon to be stopped", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_STOPPED
	})
	run(false, "daemon 3 (demo) is stopped already", "daemon", "stop", "demo")
	asJSON("daemon 3 (demo) is stopped already", "daemon", "stop", "demo")
	run(true, "", "daemon", "reset", "demo")
	run(false, "nothing is ordered about daemon 3 (demo)", "daemon", "reset", "demo")
	run(true, "", "admin", "cordon")
	asJSON("node 1 is cordoned already", "admin", "cordon")

	file := filepath.Join(n.dir, "proposal")
	n.must("admin", "cordon", "--propose", file)
	n.must("admin", "sign", file, "--yes", "--key", "key-1")
	run(false, "node 1 is cordoned already", "admin", "commit", file)
}

// A node without operators takes orders from everybody, and says later who gave which: once a
// second, however many there are.
func TestUnsignedOrdersLeaveATrace(t *testing.T) {
	t.Parallel()
	n := withDaemons(t, "[[daemon]]\nid = 3\nname = \"demo\"\ncommand = [\"sleep\", \"1000\"]\n").start()
	n.until("the daemon to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) })
	if out := n.must("operators", "list"); !strings.Contains(out, "Unsigned commands are accepted") {
		t.Errorf("operators list says\n%s", out)
	}
	const stop = `{"daemon_intent":{"daemon":{"id":3},"intent":"INTENT_STOP"}}`
	n.must("publish", stop)
	n.until("the record of it", func(*meshosv1.Snapshot) bool {
		return strings.Contains(n.must("audit", "tail"), "unverified from api: daemon_intent: stop daemon 3")
	})
	flood := filepath.Join(n.dir, "flood")
	if err := os.WriteFile(flood, []byte(strings.Repeat(stop+"\n", 20_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	n.must("publish", "-f", flood)
	var records, orders int
	n.until("all of them to be counted", func(*meshosv1.Snapshot) bool {
		records, orders = 0, 0
		for line := range strings.Lines(n.must("audit", "tail", "-o", "json")) {
			var r struct {
				Refusal struct{ More string }
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			more := 0
			_, _ = fmt.Sscan(r.Refusal.More, &more)
			records, orders = records+1, orders+1+more
		}
		return orders == 20_001
	})
	if records > 100 {
		t.Errorf("%d orders left %d records", orders, records)
	}
}

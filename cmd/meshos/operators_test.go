package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/internal/golden"
	"github.com/meshos/meshos/internal/testkit"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// roster is what a node with operators says: ana has a key that counts and one that is over,
// ben one that does not count yet, and carl one for other uses.
func roster(t *testing.T) *hostv1.ListOperatorsResponse {
	at := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(noon().Add(d)) }
	key := func(line uint32, name string, n byte, state hostv1.OperatorKey_State) *hostv1.OperatorKey {
		return &hostv1.OperatorKey{
			Line: line, Name: name, Principals: []string{name}, Fingerprint: fingerprint(t, n), KeyType: "ssh-ed25519",
			Namespaces: []string{"meshos-admin"}, State: state,
		}
	}
	out := &hostv1.ListOperatorsResponse{
		Node: 1, Name: "alpha", Cluster: "prod", File: "/etc/meshos/allowed_signers", Persons: 1, Ordinary: 1, BreakGlass: 2, Thaw: 1,
		Freshness: durationpb.New(5 * time.Minute), FutureSkew: durationpb.New(30 * time.Second), At: at(0),
		Keys: []*hostv1.OperatorKey{
			key(1, "ana", 1, hostv1.OperatorKey_STATE_VALID), key(2, "ana", 2, hostv1.OperatorKey_STATE_EXPIRED),
			key(3, "ben", 3, hostv1.OperatorKey_STATE_NOT_YET_VALID), key(5, "carl", 4, hostv1.OperatorKey_STATE_OTHER_NAMESPACE),
		},
		Cooldowns: []*hostv1.Cooldown{{Of: "freezes", Until: at(4 * time.Minute), Left: durationpb.New(4 * time.Minute)}},
		Pending:   []string{"operator ben: key SHA256:abc removed"},
	}
	out.Keys[0].ValidBefore = at(48 * time.Hour)
	out.Keys[1].ValidBefore = at(-48 * time.Hour)
	out.Keys[2].ValidAfter = at(24 * time.Hour)
	out.Keys[2].Namespaces = nil
	out.Keys[2].KeyType, out.Keys[2].NoTouchRequired = "sk-ssh-ed25519@openssh.com", true
	out.Keys[3].Namespaces = []string{"git", "file"}
	return out
}

func TestOperatorsList(t *testing.T) {
	j, d, _ := newOperatorNode(t, "")
	j.roster = roster(t)
	d.must(t, "operators list")
	golden.Check(t, "testdata/operators-list.txt", d.out.String())
	d.must(t, "operators list -o json")
	var back hostv1.ListOperatorsResponse
	if err := protojson.Unmarshal([]byte(d.out.String()), &back); err != nil || len(back.GetKeys()) != 4 {
		t.Errorf("%v in %s", err, d.out.String())
	}
	// The fingerprint is in the form that --key takes.
	d.startAgent(t, 1, 2)
	d.must(t, "admin cordon --yes --key "+back.GetKeys()[0].GetFingerprint())

	for want, change := range map[string]func(*hostv1.ListOperatorsResponse){
		"  Unsigned commands are accepted: the node has no operators": func(r *hostv1.ListOperatorsResponse) { r.File = "" },
		"  Unsigned commands are accepted, except for break-glass":    func(r *hostv1.ListOperatorsResponse) { r.UnsignedAccepted = true },
		"  Every order is rejected: the file of signers could not be read when the node\n": func(r *hostv1.ListOperatorsResponse) {
			r.Unreadable, r.Keys = "it hangs", nil
		},
		"  Nobody may sign now: every signed command is rejected.": func(r *hostv1.ListOperatorsResponse) { r.Persons = 0 },
		"  - signers:3: is damaged":                                func(r *hostv1.ListOperatorsResponse) { r.FileProblem = "signers:3: is damaged" },
		"  The clock of this machine is 1m ahead of the node's":    func(r *hostv1.ListOperatorsResponse) { r.At = timestamppb.New(noon().Add(-time.Minute)) },
		"  The clock of this machine is 1h behind the node's":      func(r *hostv1.ListOperatorsResponse) { r.At = timestamppb.New(noon().Add(time.Hour)) },
	} {
		j.mu.Lock()
		j.roster = roster(t)
		change(j.roster)
		j.mu.Unlock()
		d.must(t, "operators list")
		if !strings.Contains(d.out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, d.out.String())
		}
	}
	j.mu.Lock()
	j.roster = nil
	j.mu.Unlock()
	if code := d.run(t.Context(), "operators list"); code != exitFailed || !strings.Contains(d.err.String(), "older") {
		t.Errorf("an older node: exit code %d: %s", code, d.err.String())
	}
}

// The running node's word on who may sign wins over the file.
func TestTheKeyThatCountsNowSigns(t *testing.T) {
	j, d, dir := newOperatorNode(t, withOperators)
	signersFile(t, dir, map[string]byte{"ana": 2})
	j.roster = roster(t)
	d.startAgent(t, 2, 3, 4, 1, 5)
	d.must(t, "admin cordon --yes")
	if len(j.signers) != 1 || j.signers[0] != fingerprint(t, 1) {
		t.Errorf("signed by %v", j.signers)
	}
	said := "note: it is signed with\n    " + fingerprint(t, 1) + " (key-1)\n  and not with\n    " +
		fingerprint(t, 2) + " (key-2) is no longer valid: valid-before is 2025-12-31T12:00:00Z\n    " +
		fingerprint(t, 3) + " (key-3) is not valid yet: valid-after is 2026-01-03T12:00:00Z\n    " +
		fingerprint(t, 4) + " (key-4) may not sign commands: its namespaces are git,file\n" +
		"  (another key of the ssh-agent is not in the file of signers)\n"
	if !strings.Contains(d.err.String(), said) {
		t.Errorf("it says\n%s\nand not\n%s", d.err.String(), said)
	}
	d.must(t, "admin cordon --dry-run")
	if !strings.Contains(d.out.String(), "(key-5) is not in the file of signers") {
		t.Errorf("a dry run says\n%s", d.out.String())
	}
	d.must(t, "admin cordon --yes --key key-2")
	if !strings.Contains(d.err.String(), "note: the node will reject the signature of\n    "+fingerprint(t, 2)+" (key-2) is no longer valid") {
		t.Errorf("of a key that does not count it says\n%s", d.err.String())
	}
	file := filepath.Join(dir, "night.cmd")
	d.must(t, "ice thaw --propose "+file)
	d.must(t, "ice sign "+file+" --yes --expect-hash "+hexOf(hashOf(j.blast)))
	if !strings.Contains(d.out.String(), "Signed with "+fingerprint(t, 1)) {
		t.Errorf("a proposal: %s", d.out.String())
	}
	d.env["SSH_AUTH_SOCK"] = testkit.SSHAgent(t, 2, 5)
	if code := d.run(t.Context(), "admin cordon --yes"); code != exitUsage ||
		!strings.Contains(d.err.String(), "none of the keys in the ssh-agent may sign") || !strings.Contains(d.err.String(), "(key-2) is no longer valid") {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
}

// Signatures of one person count once, which commit says before the node does.
func TestACommitSaysWhoIsMissing(t *testing.T) {
	j, d, dir := newOperatorNode(t, withOperators)
	j.roster = roster(t)
	j.roster.Keys[1].State = hostv1.OperatorKey_STATE_VALID
	file := filepath.Join(dir, "night.cmd")
	d.startAgent(t, 1, 2, 3)
	d.must(t, "ice freeze --ttl 1m --propose "+file)
	hash := " --yes --expect-hash " + hexOf(hashOf(j.blast))
	d.must(t, "ice sign "+file+" --key key-1 --key key-2 --key key-3"+hash)
	d.must(t, "ice commit "+file+" --dry-run")
	for _, want := range []string{
		"note: this node requires the signatures of 2 different operators for freeze_cluster, and the proposal has those of 1 (ana)\n",
		"note: the node will reject the command for a signature: the key " + fingerprint(t, 3) + " is not valid yet",
	} {
		if !strings.Contains(d.err.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, d.err.String())
		}
	}
}

// A cooldown is told of before anybody signs: by a dry run, a proposal and whoever signs it.
func TestACooldownIsToldOfBeforeAnybodySigns(t *testing.T) {
	j, d, dir := newOperatorNode(t, withOperators)
	j.roster = roster(t)
	j.cooldown = &hostv1.Cooldown{Of: "freezes", Until: timestamppb.New(noon().Add(4 * time.Minute)), Left: durationpb.New(4 * time.Minute)}
	const said = "The node would reject it now: freezes have to wait until 12:04:00.000, another 4m. Send it after that.\n"
	file := filepath.Join(dir, "night.cmd")
	d.startAgent(t, 1)
	for line, where := range map[string]func() string{
		"ice freeze --ttl 1m --dry-run":         d.out.String,
		"ice freeze --ttl 1m --propose " + file: d.err.String,
	} {
		if d.must(t, line); !strings.Contains(where(), said) {
			t.Errorf("%s says\n%s", line, where())
		}
	}
	if d.must(t, "ice sign "+file+" --dry-run"); !strings.Contains(d.err.String(), said) {
		t.Errorf("sign says\n%s", d.err.String())
	}
	d.must(t, "ice freeze --ttl 1m --dry-run -o json")
	var out struct {
		Hash     string `json:"blast_hash"`
		Cooldown struct{ Of, Left string }
	}
	if err := json.Unmarshal([]byte(d.out.String()), &out); err != nil || out.Cooldown.Of != "freezes" || out.Cooldown.Left != "240s" {
		t.Errorf("%v in %s", err, d.out.String())
	}
	// The hash is in the form that --expect-hash takes, and that people see.
	if out.Hash != hexOf(hashOf(j.blast)) {
		t.Errorf("the hash is %s", out.Hash)
	}
	d.must(t, "ice thaw --yes --key key-1 --expect-hash "+out.Hash)
	j.mu.Lock()
	j.cooldown.Left = durationpb.New(6 * time.Minute)
	j.mu.Unlock()
	if d.must(t, "ice freeze --ttl 1m --dry-run"); !strings.Contains(d.out.String(), "A proposal would expire before that: propose it later.\n") {
		t.Errorf("it says\n%s", d.out.String())
	}
}

// An accepted freeze says which nodes it did not reach.
func TestAFreezeSaysWhichNodesItReached(t *testing.T) {
	j, d, _ := newOperatorNode(t, "")
	j.snapshot.Info = &meshosv1.NodeInfo{Name: "alpha"}
	j.snapshot.Peers = []*meshosv1.PeerView{{Peer: 1, Name: "alpha"}, {Peer: 2, Name: "beta"}, {Peer: 3}}
	d.must(t, "ice freeze --ttl 1m --unsigned --yes --expect-hash "+hexOf(hashOf(j.blast)))
	if want := "Node 1 (alpha) is frozen. Nodes 2 (beta), 3 are not frozen: send the command to each of them, too.\n"; !strings.HasSuffix(d.out.String(), want) {
		t.Errorf("it says\n%s", d.out.String())
	}
}

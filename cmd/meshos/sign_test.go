package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/internal/golden"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestAPassphraseIsAskedForWhenTheKeySigns(t *testing.T) {
	j, d, dir := newOperatorNode(t, withOperators)
	path := filepath.Join(dir, "locked")
	testkit.SSHKeyFile(t, path, 5, "open sesame")
	// In OpenSSH's format the public half of a locked key is readable.
	line := "admin cordon --key-file " + path
	d.answers = []string{"y", "wrong"}
	if code := d.run(t.Context(), line); code != exitFailed || !strings.Contains(d.err.String(), "the passphrase is wrong") {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
	d.answers, d.asked = []string{"y", "open sesame"}, nil
	d.must(t, line)
	if diff := cmp.Diff([]string{"Send it? [y/N] ", "Passphrase of " + path + ": (secret)"}, d.asked); diff != "" || len(j.commits) != 1 {
		t.Errorf("-want +got:\n%s", diff)
	}
	d.answers, d.asked = []string{"n"}, nil
	if d.run(t.Context(), line); len(d.asked) != 1 {
		t.Errorf("asked for a passphrase in vain: %q", d.asked)
	}
	d.answers = nil
	if code := d.run(t.Context(), line+" --yes"); code != exitUsage || !strings.Contains(d.err.String(), "there is no terminal to ask for it") {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
}

// An interrupt comes while a passphrase is asked for, or when the node has the command
// already.
func TestAnInterruptedCommandHasFailed(t *testing.T) {
	j, d, dir := newOperatorNode(t, withOperators)
	locked, open := filepath.Join(dir, "locked"), filepath.Join(dir, "open")
	testkit.SSHKeyFile(t, locked, 5, "open sesame")
	testkit.SSHKeyFile(t, open, 5, "")
	for name, c := range map[string]struct {
		line, want string
		sent       bool
	}{
		"passphrase": {"admin cordon --key-file " + locked, "meshos: interrupted: nothing was sent\n", false},
		"signed":     {"admin cordon --yes --key-file " + open, "interrupted before the verdict came: the node may still accept the command", true},
		"unsigned":   {"admin cordon --yes --unsigned", "interrupted before the verdict came: the node may still accept the command", true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			sent := make(chan struct{}, 1)
			d.answers, d.interrupt = []string{"y"}, interrupt
			j.onCommand = func() { sent <- struct{}{}; interrupt() }
			if code := d.run(ctx, c.line); code != exitFailed || !strings.Contains(d.err.String(), c.want) {
				t.Errorf("exit code %d: %s", code, d.err.String())
			}
			if len(sent) == 1 != c.sent {
				t.Errorf("the node got it: %v", len(sent) == 1)
			}
		})
	}
}

// hide replaces what differs from run to run.
func hide(text, dir string) string {
	text = strings.ReplaceAll(text, dir+"/", "")
	return regexp.MustCompile(`(nonce|commit)( +)[0-9a-f]{8,}`).ReplaceAllString(text, "$1$2…")
}

func TestOperator022_112_TwoOperatorsFreezeTheCluster(t *testing.T) {
	j, d, dir := newOperatorNode(t, withOperators)
	signersFile(t, dir, map[string]byte{"ana": 1, "ben": 2})
	d.startAgent(t, 1)
	file := filepath.Join(dir, "night.cmd")
	d.must(t, "ice freeze --ttl 10m --propose "+file)
	golden.Check(t, "testdata/commands/propose.txt", hide(d.out.String(), dir))
	for _, name := range []string{file, file + ".json"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if code := d.run(t.Context(), "ice commit "+file+" --dry-run"); code != exitFailed || !strings.Contains(d.err.String(), "nobody has signed it yet") {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}

	d.answers = []string{"freeze_cluster"}
	d.must(t, "ice sign "+file)
	golden.Check(t, "testdata/commands/sign.txt", hide(d.err.String()+d.out.String(), dir))

	// This is what `ssh-keygen -Y sign` writes.
	payload, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ssh.NewSignerFromKey(testkit.SSHKey(2))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sshsig.Sign(other, "meshos-admin", payload)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file+".sig", string(sshsig.Armor(raw)))

	d.answers, d.asked = []string{"freeze_cluster"}, nil
	d.must(t, "ice commit "+file)
	golden.Check(t, "testdata/commands/commit.txt", hide(d.err.String()+d.out.String(), dir))
	if diff := cmp.Diff([]string{fingerprint(t, 2), fingerprint(t, 1)}, j.signers); diff != "" {
		t.Errorf("signers, -want +got:\n%s", diff)
	}
	if got := j.commits[0]; got.GetClusterId() != "prod" || !cmp.Equal(got.GetBlastHash(), hashOf(j.blast)) {
		t.Errorf("committed %v", got)
	}
}

func TestAnOrdinaryProposalGoesThroughAdmin(t *testing.T) {
	j, d, dir := newOperatorNode(t, withOperators)
	d.startAgent(t, 1)
	file := filepath.Join(dir, "a")
	d.must(t, "admin drain --propose "+file)
	if code := d.run(t.Context(), "ice sign "+file+" --dry-run"); code != exitUsage || !strings.Contains(d.err.String(), "drain belongs to meshos admin") {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
	d.must(t, "admin sign "+file+" --yes")
	d.must(t, "admin commit "+file+" --yes -o json")
	if len(j.commits) != 1 || j.commits[0].GetEvent().GetDrain().GetNode() != 1 {
		t.Errorf("committed %v", j.commits)
	}
	if code := d.run(t.Context(), "admin drain --propose "+file); code != exitFailed || !strings.Contains(d.err.String(), "exists already") {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
}

// Each step prints the proposal as the contract's SignedCommit, for scripts.
func TestAProposalAsJSON(t *testing.T) {
	_, d, dir := newOperatorNode(t, withOperators)
	d.startAgent(t, 1)
	file := filepath.Join(dir, "a")
	for _, step := range []struct {
		line       string
		signatures int
	}{
		{"admin cordon --propose " + file, 0},
		{"admin sign " + file + " --dry-run", 0},
		{"admin sign " + file + " --yes", 1},
		{"admin sign " + file + " --dry-run", 1},
		{"admin commit " + file + " --dry-run", 1},
	} {
		d.must(t, step.line+" -o json")
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var commit meshosv1.SignedCommit
		if err := protojson.Unmarshal([]byte(d.out.String()), &commit); err != nil {
			t.Fatalf("%s: %v in %q", step.line, err, d.out.String())
		}
		if !bytes.Equal(commit.GetPayload(), payload) || len(commit.GetSignatures()) != step.signatures {
			t.Errorf("%s: %d signatures, want %d", step.line, len(commit.GetSignatures()), step.signatures)
		}
	}
}

func TestASignerSeesWhenTheSimulationDiffers(t *testing.T) {
	j, d, dir := newOperatorNode(t, withOperators)
	d.startAgent(t, 1)
	file := filepath.Join(dir, "a")
	d.must(t, "ice thaw --propose "+file)
	j.mu.Lock()
	j.blast.AffectedNodes = []uint64{9}
	j.mu.Unlock()
	d.must(t, "ice sign "+file+" --dry-run")
	if !strings.Contains(d.err.String(), "Simulated again: the result differs now.\nBlast radius\n  nodes     9\n") || d.out.String() != "Nothing was signed.\n" {
		t.Errorf("said %s%s", d.err.String(), d.out.String())
	}
	d.env["MESHOS_ADDRESS"] = filepath.Join(dir, "gone")
	d.must(t, "ice sign "+file+" --dry-run")
	if !strings.Contains(d.err.String(), "note: the command was not simulated again: no node answers on ") {
		t.Errorf("said %s", d.err.String())
	}
}

func TestProposalsThatAreNotSigned(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(*meshosv1.AdminCommand)
	}{
		{"expired", "expired 1s ago; propose the command again", func(c *meshosv1.AdminCommand) {
			c.IssuedAt = timestamppb.New(noon().Add(-5*time.Minute - time.Second))
		}},
		{"for another cluster", "is for cluster lab", func(c *meshosv1.AdminCommand) { c.ClusterId = "lab" }},
		{"without a nonce", "no nonce of 16 bytes", func(c *meshosv1.AdminCommand) { c.Nonce = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, d, dir := newOperatorNode(t, withOperators)
			d.startAgent(t, 1)
			command := &meshosv1.AdminCommand{
				ClusterId: "prod", IssuedAt: timestamppb.New(noon()), Nonce: make([]byte, 16),
				Event: &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: 1}}},
			}
			c.change(command)
			raw, err := proto.Marshal(command)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "a")
			write(t, file, string(raw))
			code := d.run(t.Context(), "admin sign "+file+" --yes")
			if code != exitFailed || !strings.Contains(d.err.String(), c.want) {
				t.Errorf("exit code %d: %s", code, d.err.String())
			}
			if files, _ := filepath.Glob(file + ".sig*"); len(files) != 0 {
				t.Errorf("signed in %v", files)
			}
		})
	}
}

func TestKeysAreNamedWithFlags(t *testing.T) {
	j, d, dir := newOperatorNode(t, withOperators)
	d.startAgent(t, 1, 2)
	testkit.SSHKeyFile(t, filepath.Join(dir, "four"), 4, "")
	d.must(t, "admin cordon --yes --key key-2 --key-file "+filepath.Join(dir, "four"))
	if diff := cmp.Diff([]string{fingerprint(t, 2), fingerprint(t, 4)}, j.signers); diff != "" {
		t.Errorf("signers, -want +got:\n%s", diff)
	}
	if code := d.run(t.Context(), "admin cordon --yes --key nope"); code != exitUsage || len(j.commits) != 1 {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
}

// The node would reject the command for one signature that does not verify.
func TestAProposalWithAWrongSignatureIsNotSent(t *testing.T) {
	j, d, dir := newOperatorNode(t, withOperators)
	file := filepath.Join(dir, "a")
	d.must(t, "admin cordon --propose "+file)
	write(t, file+".sig", "nonsense")
	code := d.run(t.Context(), "admin commit "+file+" --yes")
	if code != exitFailed || !strings.Contains(d.err.String(), "meshos: "+file+".sig: ") || len(j.commits) != 0 {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
}

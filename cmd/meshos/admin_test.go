package main

import (
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/internal/golden"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The output of each command's dry run, and the event that it sends.
func TestOperator026_113_WhatEveryCommandShowsAndSends(t *testing.T) {
	for _, c := range []struct{ line, event string }{
		{"admin enter-maintenance --within 10m", `{"enter_maintenance":{"node":1,"drain_for":"600s"}}`},
		{"admin enter-maintenance --node 2", `{"enter_maintenance":{"node":2}}`},
		{"admin exit-maintenance", `{"exit_maintenance":{"node":1}}`},
		{"admin drain", `{"drain":{"node":1}}`},
		{"admin cordon --node 3", `{"cordon":{"node":3}}`},
		{"admin uncordon", `{"uncordon":{"node":1}}`},
		{"admin restart-daemons", `{"restart_all_daemons":{"node":1}}`},
		{"admin clear-avoid", `{"clear_avoid_list":{"node":1}}`},
		{"admin drop-replicas 7 9", `{"drop_replicas":{"node":1,"chains":[7,9]}}`},
		{"admin set-placement 7 --replicas 3", `{"set_placement":{"node":1,"chain":7,"desired_replicas":3}}`},
		{"admin set-placement 7 --replicas 0", `{"set_placement":{"node":1,"chain":7,"desired_replicas":0}}`},
		{"admin set-placement 7 --reset", `{"set_placement":{"node":1,"chain":7}}`},
		{"admin set-replica 7 --hold", `{"set_local_replica":{"node":1,"chain":7,"intent":"INTENT_HOLD"}}`},
		{"admin set-replica 7 --drop --node 2", `{"set_local_replica":{"node":2,"chain":7,"intent":"INTENT_DROP"}}`},
		{"admin set-replica 7 --reset", `{"set_local_replica":{"node":1,"chain":7}}`},
		{"admin stop-node", `{"stop_node":{"node":1}}`},
		{"daemon start demo", `{"set_daemon_intent":{"node":1,"daemon":{"id":1,"name":"demo"},"intent":"INTENT_RUN"}}`},
		{"daemon stop 1", `{"set_daemon_intent":{"node":1,"daemon":{"id":1,"name":"demo"},"intent":"INTENT_STOP"}}`},
		{"daemon reset demo", `{"set_daemon_intent":{"node":1,"daemon":{"id":1,"name":"demo"}}}`},
		{"daemon restart demo", `{"restart_daemon":{"node":1,"daemon":{"id":1,"name":"demo"}}}`},
		{"admin invalidate-placement", `{"invalidate_placement":{"node":1}}`},
		{"ice freeze --ttl 10m", `{"freeze_cluster":{"ttl":"600s"}}`},
		{"ice thaw", `{"thaw_cluster":{}}`},
		{"ice flush-avoid --local 2", `{"flush_avoid_lists":{"local":2}}`},
		{"ice flush-avoid --on-peer 2", `{"flush_avoid_lists":{"on_peer":2}}`},
		{"ice flush-avoid --global", `{"flush_avoid_lists":{"global":true}}`},
		{"ice evict 7 --victim 2", `{"force_evict_replica":{"chain":7,"victim":2}}`},
		{"ice restart-daemon demo", `{"force_restart_daemon":{"daemon":{"id":1,"name":"demo"}}}`},
		{"ice restart-daemon 99", `{"force_restart_daemon":{"daemon":{"id":99}}}`},
		{"ice cutover 7 --target 4", `{"force_cutover":{"chain":7,"target":4}}`},
		{"ice kill-migration 9", `{"kill_migration":{"migration":9}}`},
	} {
		t.Run(c.line, func(t *testing.T) {
			j, d, _ := newOperatorNode(t, "")
			d.must(t, c.line+" --dry-run")
			file := strings.NewReplacer(" ", "-", "--", "").Replace(c.line)
			golden.Check(t, filepath.Join("testdata/commands", file+".txt"), d.out.String())
			if len(j.commits)+len(j.unsigned) != 0 || d.err.String() != "" {
				t.Errorf("a dry run sent %v %v and said %s", j.commits, j.unsigned, d.err.String())
			}
			yes := " --yes"
			if strings.HasPrefix(c.line, "ice") {
				yes += " --expect-hash " + hexOf(hashOf(j.blast))
			}
			d.must(t, c.line+yes)
			var want meshosv1.AdminEvent
			if err := protojson.Unmarshal([]byte(c.event), &want); err != nil {
				t.Fatal(err)
			}
			if len(j.unsigned) != 1 || !proto.Equal(j.unsigned[0], &want) {
				t.Errorf("sent %v, want %v", j.unsigned, &want)
			}
		})
	}
}

func TestAnOrdinaryCommandIsSignedOnceItIsConfirmed(t *testing.T) {
	j, d, dir := newOperatorNode(t, withOperators)
	signersFile(t, dir, map[string]byte{"ana": 1})
	d.startAgent(t, 1)
	d.answers = []string{"y"}
	d.must(t, "admin cordon")
	if len(j.commits) != 1 || len(j.unsigned) != 0 {
		t.Fatalf("sent %v %v", j.commits, j.unsigned)
	}
	got := j.commits[0]
	if got.GetClusterId() != "prod" || !got.GetIssuedAt().AsTime().Equal(noon()) || len(got.GetNonce()) != 16 || len(got.GetBlastHash()) != 0 {
		t.Errorf("signed %v", got)
	}
	if diff := cmp.Diff([]string{fingerprint(t, 1)}, j.signers); diff != "" {
		t.Errorf("signers, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Send it? [y/N] "}, d.asked); diff != "" {
		t.Errorf("questions, -want +got:\n%s", diff)
	}
	golden.Check(t, "testdata/commands/accepted.txt", d.out.String())
}

func TestABreakGlassCommandIsConfirmedByTypingItsName(t *testing.T) {
	for answer, sent := range map[string]bool{"freeze_cluster": true, " freeze_cluster ": true, "y": false, "": false, "thaw_cluster": false} {
		j, d, _ := newOperatorNode(t, withOperators)
		d.startAgent(t, 1)
		d.answers = []string{answer}
		code := d.run(t.Context(), "ice freeze --ttl 10m")
		if (code == exitDone) != sent || (len(j.commits) == 1) != sent {
			t.Errorf("%q: exit code %d, sent %v: %s", answer, code, j.commits, d.err.String())
		}
		if d.asked[0] != "Type freeze_cluster to send it: " {
			t.Errorf("asked %q", d.asked)
		}
		if sent && !cmp.Equal(j.commits[0].GetBlastHash(), hashOf(j.blast)) {
			t.Error("the hash that was shown is not the one that was signed")
		}
		if !sent && !strings.Contains(d.err.String(), "nothing was sent") {
			t.Errorf("%q: said %s", answer, d.err.String())
		}
	}
}

func TestACommandThatIsNotConfirmedIsNotSent(t *testing.T) {
	for _, answer := range []string{"", "n", "no", "x"} {
		j, d, _ := newOperatorNode(t, "")
		d.answers = []string{answer}
		code := d.run(t.Context(), "admin drain")
		if code != exitFailed || len(j.unsigned) != 0 || !strings.HasSuffix(d.err.String(), "meshos: not confirmed: nothing was sent\n") {
			t.Errorf("%q: exit code %d, sent %v: %s", answer, code, j.unsigned, d.err.String())
		}
	}
}

func TestARejectionShowsItsKindAndEndsWithExitCode4(t *testing.T) {
	j, d, _ := newOperatorNode(t, withOperators)
	d.startAgent(t, 1)
	j.outcome = &meshosv1.VerificationOutcome{
		Verdict: meshosv1.VerificationOutcome_VERDICT_REJECTED, Kind: "freeze_in_effect", Message: "the cluster is frozen",
	}
	code := d.run(t.Context(), "admin cordon --yes")
	if code != exitRejected || !strings.Contains(d.err.String(), "meshos: rejected: freeze_in_effect: the cluster is frozen\n    wait for") {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
	golden.Check(t, "testdata/commands/rejected.txt", d.out.String())
	code = d.run(t.Context(), "admin cordon --yes --unsigned -o json")
	var record meshosv1.AdminAuditRecord
	if err := protojson.Unmarshal([]byte(d.out.String()), &record); err != nil {
		t.Fatal(err)
	}
	if code != exitRejected || record.GetSeq() != 2 || record.GetOutcome().GetKind() != "freeze_in_effect" {
		t.Errorf("exit code %d: %s", code, d.out.String())
	}
}

// A thaw works while the disk is full, and its operator has to see that it is not durable.
func TestAVerdictThatIsNotOnDiskIsShownWithAnError(t *testing.T) {
	const late = "meshos: audit record 1 was not on disk within 5s: the verdict is in effect"
	for _, c := range []struct {
		name, out, err string
		code           int
		change         func(*operatorNode)
	}{
		{"accepted", "Accepted: cordon node 1\n", late, exitFailed, func(j *operatorNode) { j.diskStuck = true }},
		{"rejected", "Rejected: cordon node 1\n", "meshos: rejected: store_unavailable: no space left", exitRejected, func(j *operatorNode) {
			j.diskStuck = true
			j.outcome = &meshosv1.VerificationOutcome{
				Verdict: meshosv1.VerificationOutcome_VERDICT_REJECTED, Kind: "store_unavailable", Message: "no space left",
			}
		}},
		{"not judged", "", "it may still accept the command: look at meshos audit tail", exitNoAnswer, func(j *operatorNode) { j.dropsCommits = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, d, _ := newOperatorNode(t, withOperators)
			d.startAgent(t, 1)
			c.change(j)
			code := d.run(t.Context(), "admin cordon --yes")
			if code != c.code || !strings.HasPrefix(d.out.String(), c.out) || !strings.Contains(d.err.String(), c.err) {
				t.Errorf("exit code %d: %s%s", code, d.out.String(), d.err.String())
			}
		})
	}
}

func TestUnsignedOnlyWhereThereAreNoOperators(t *testing.T) {
	for _, c := range []struct {
		name, operators, line, notice string
		code                          int
	}{
		{"no operators", "", "admin cordon --yes", "note: the configuration names no operators, so the command is sent without a signature\n", exitDone},
		{"forced", withOperators, "admin cordon --yes --unsigned", "note: the command is sent without a signature, because of --unsigned\n", exitDone},
		{
			"no key", withOperators, "admin cordon --yes",
			"meshos: there is no key to sign with: SSH_AUTH_SOCK is not set\n    name one with --key-file\n", exitUsage,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, d, _ := newOperatorNode(t, c.operators)
			j.outcome = &meshosv1.VerificationOutcome{Verdict: meshosv1.VerificationOutcome_VERDICT_UNVERIFIED}
			code := d.run(t.Context(), c.line)
			if code != c.code || !strings.HasSuffix(d.err.String(), c.notice) || len(j.unsigned) != map[int]int{exitDone: 1}[c.code] {
				t.Errorf("exit code %d, sent %v: %s", code, j.unsigned, d.err.String())
			}
			if code == exitDone {
				golden.Check(t, "testdata/commands/unverified.txt", d.out.String())
			}
		})
	}
}

func TestWithoutAConfigurationTheClusterHasToBeNamed(t *testing.T) {
	j, d, dir := newOperatorNode(t, "")
	d.env = map[string]string{"MESHOS_ADDRESS": filepath.Join(dir, "s"), "MESHOS_CONFIG": filepath.Join(dir, "none.toml")}
	d.must(t, "admin cordon --yes")
	if len(j.unsigned) != 1 || !strings.Contains(d.err.String(), "note: there is no key to sign with (SSH_AUTH_SOCK is not set), so the command is sent without a signature") {
		t.Errorf("sent %v: %s", j.unsigned, d.err.String())
	}
	d.startAgent(t, 1)
	if code := d.run(t.Context(), "admin cordon --yes"); code != exitUsage || !strings.Contains(d.err.String(), "name it with --cluster") {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
	d.must(t, "admin cordon --yes --cluster lab")
	if len(j.commits) != 1 || j.commits[0].GetClusterId() != "lab" {
		t.Errorf("signed %v", j.commits)
	}
}

func TestOperatorCommandsThatMakeNoSense(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"admin cordon", "cordon has to be confirmed, and there is no terminal\n    use --yes to confirm it beforehand\n"},
		{"ice thaw", "thaw_cluster has to be confirmed, and there is no terminal\n    use --yes with --expect-hash HEX"},
		{"ice thaw --yes", "--yes: a break-glass command also needs --expect-hash HEX"},
		{"ice thaw --yes --expect-hash 12", "--expect-hash: want the 64 hexadecimal digits"},
		{"ice freeze", "--ttl: a freeze lasts more than 0 and at most 24h, not 0s"},
		{"ice freeze --ttl 25h", "--ttl: a freeze lasts more than 0 and at most 24h, not 25h0m0s"},
		{"ice flush-avoid", "at least one of the flags in the group [local on-peer global] is required"},
		{"ice flush-avoid --local 1 --global", "if any flags in the group [local on-peer global] are set"},
		{"ice flush-avoid --local 0 --dry-run", `invalid argument "0" for "--local" flag: ids of nodes are whole numbers from 1 to 2^64-1`},
		{"ice evict 7", `required flag(s) "victim" not set`},
		{"ice evict x --victim 2", `chain "x": want an id, a whole number`},
		{"ice cutover 7 --target 0 --dry-run", `invalid argument "0" for "--target" flag: ids of nodes are whole numbers from 1 to 2^64-1`},
		{"ice kill-migration 0", `migration "0": ids are whole numbers from 1 to 2^64-1`},
		{"ice restart-daemon dmeo --dry-run", `no daemon has the name "dmeo"; did you mean demo?`},
		{"admin drain --within -1s --dry-run", "--within: must not be negative, is -1s"},
		{"admin drain --node 2 --monitor --yes", "--monitor: the command would be sent to node 1, which can only show its own drain; send it to node 2"},
		{"admin cordon --node 0 --yes", `invalid argument "0" for "--node" flag: ids of nodes are whole numbers from 1 to 2^64-1`},
		{"admin cordon --monitor", "unknown flag: --monitor"},
		{"admin drop-replicas", "an argument is missing\n    usage: meshos admin drop-replicas CHAIN…"},
		{"admin cordon db-3", "meshos admin cordon takes no argument, and got \"db-3\"\n    usage: meshos admin cordon [flags]\n"},
		{"admin cordon --unsigned --propose f", "if any flags in the group [unsigned propose] are set"},
	} {
		t.Run(c.line, func(t *testing.T) {
			j, d, _ := newOperatorNode(t, "")
			code := d.run(t.Context(), c.line)
			if code != exitUsage || !strings.Contains(d.err.String(), "meshos: "+c.want) || d.out.String() != "" {
				t.Errorf("exit code %d: %s%s", code, d.err.String(), d.out.String())
			}
			if len(j.commits)+len(j.unsigned) != 0 {
				t.Error("it was sent")
			}
		})
	}
}

func TestACommandWithAnotherHashThanExpectedIsNotSent(t *testing.T) {
	j, d, _ := newOperatorNode(t, "")
	code := d.run(t.Context(), "ice thaw --yes --expect-hash "+strings.Repeat("ab", 32))
	if code != exitFailed || len(j.unsigned) != 0 || !strings.Contains(d.err.String(), "the command would not do what you looked at") {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
}

func TestAHashThatDoesNotBelongToTheBlastRadiusIsNotSigned(t *testing.T) {
	j, d, _ := newOperatorNode(t, "")
	j.wrongHash = true
	code := d.run(t.Context(), "ice thaw --dry-run")
	if code != exitFailed || !strings.Contains(d.err.String(), "does not belong to the blast radius in it; don't sign it") {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

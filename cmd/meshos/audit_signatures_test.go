package main

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// signedRecord is the audit record of a cordon that a key signed, with the file of
// signers that knows the key.
func signedRecord(t *testing.T) (*meshosv1.AdminAuditRecord, *signers.Set) {
	t.Helper()
	return recordOf(t, cordonOf(5), cordonOf(5))
}

func cordonOf(node uint64) *meshosv1.AdminEvent {
	return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: node}}}
}

// recordOf is the audit record of a command, as a node has it that understood it.
func recordOf(t *testing.T, signed, understood *meshosv1.AdminEvent) (*meshosv1.AdminAuditRecord, *signers.Set) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "allowed_signers")
	if err := os.WriteFile(file, []byte("alice "+string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := signers.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := proto.Marshal(&meshosv1.AdminCommand{
		ClusterId: "default", Event: signed, IssuedAt: timestamppb.New(noon()), Nonce: make([]byte, rules.NonceSize),
	})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := sshsig.Sign(signer, signers.Namespace, payload)
	if err != nil {
		t.Fatal(err)
	}
	return &meshosv1.AdminAuditRecord{
		Epoch: 10, Seq: 3, CommittedAt: timestamppb.New(noon()), Event: understood,
		Operators: []*meshosv1.Operator{{KeyId: ssh.FingerprintSHA256(signer.PublicKey()), Name: "alice", Verified: true}},
		Outcome:   &meshosv1.VerificationOutcome{Verdict: meshosv1.VerificationOutcome_VERDICT_ACCEPTED},
		CommitId:  rules.CommitID(payload),
		Commit:    &meshosv1.SignedCommit{Payload: payload, Signatures: [][]byte{signature}},
	}, set
}

func TestSignaturesInTheAuditAreVerifiedAgain(t *testing.T) {
	cases := []struct {
		name   string
		change func(*meshosv1.AdminAuditRecord)
		want   string // "" for good
	}{
		{"as it was committed", func(*meshosv1.AdminAuditRecord) {}, ""},
		{"another event", func(a *meshosv1.AdminAuditRecord) { a.Event = cordonOf(6) }, "another command than the one that was signed"},
		{"another reason", func(a *meshosv1.AdminAuditRecord) { a.Reason = "because" }, "another reason than the one that was signed"},
		{"another payload", func(a *meshosv1.AdminAuditRecord) { a.Commit.Payload[0]++ }, "its commit id does not belong"},
		{"a payload that no node takes", func(a *meshosv1.AdminAuditRecord) {
			a.Commit.Payload = append(a.Commit.Payload, 0xf8, 0x01, 0x01)
			a.CommitId = rules.CommitID(a.Commit.Payload)
		}, "no node can have accepted the signed command: malformed"},
		{"another payload with its id", func(a *meshosv1.AdminAuditRecord) {
			a.Commit.Payload = append(a.Commit.Payload, 0x12, 0)
			a.CommitId = rules.CommitID(a.Commit.Payload)
		}, "signature_invalid"},
		{"a damaged signature", func(a *meshosv1.AdminAuditRecord) { s := a.Commit.Signatures[0]; s[len(s)-1]++ }, "signature_invalid"},
		{"no signature", func(a *meshosv1.AdminAuditRecord) { a.Commit.Signatures = nil }, "has no signature of this key"},
		{"another operator", func(a *meshosv1.AdminAuditRecord) { a.Operators[0].KeyId = "SHA256:x" }, "has no signature of this key"},
		{"nothing to check", func(a *meshosv1.AdminAuditRecord) { a.Commit = nil }, "has no signed command"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			record, set := signedRecord(t)
			c.change(record)
			check := &signatureCheck{set: set}
			if err := check.see(&meshosv1.Record{Kind: &meshosv1.Record_Audit{Audit: record}}); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(check.bad, "\n")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if c.want == "" && check.verified != 1 {
				t.Errorf("%d verified", check.verified)
			}
		})
	}
}

func TestACommandIsVerifiedHoweverItWasEncoded(t *testing.T) {
	signed := &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Drain{Drain: &meshosv1.Drain{Node: 5}}} // without a window
	event, err := wire.AdminFromProto(signed)
	if err != nil {
		t.Fatal(err)
	}
	record, set := recordOf(t, signed, wire.AdminToProto(event))
	check := &signatureCheck{set: set}
	if err := check.see(&meshosv1.Record{Kind: &meshosv1.Record_Audit{Audit: record}}); err != nil || check.verified != 1 {
		t.Errorf("%q %v", check.bad, err)
	}
}

func TestARejectedCommandIsNotVerified(t *testing.T) {
	record, set := signedRecord(t)
	record.Outcome.Verdict = meshosv1.VerificationOutcome_VERDICT_REJECTED
	check := &signatureCheck{set: set}
	if err := check.see(&meshosv1.Record{Kind: &meshosv1.Record_Audit{Audit: record}}); err != nil || check.unsigned != 1 || check.verified != 0 {
		t.Errorf("%+v %v", check, err)
	}
}

func TestAuditVerifyChecksSignatures(t *testing.T) {
	dir := auditFolder(t, 3) // accepted commands without their envelopes
	file := filepath.Join(dir, "allowed_signers")
	write(t, file, "# nobody yet\n")
	configured := filepath.Join(dir, "meshos.toml")
	write(t, configured, "[node]\nid = 1\ndata_dir = \".\"\n[operators]\nsigners = \"allowed_signers\"\n")
	for line, bad := range map[string]bool{
		"audit verify --signers " + file + " " + dir:      true,
		"audit verify --config " + configured:             true, // the signers of the configuration
		"audit verify " + dir:                             false,
		"audit verify --config " + configured + " " + dir: true,
	} {
		s := &shell{}
		code := s.run(t.Context(), strings.Fields(line)...)
		if bad != (code == exitFailed) || bad != strings.Contains(s.out.String(), "3 bad") || bad != strings.Contains(s.err.String(), "put their lines back with a valid-before") {
			t.Errorf("%s: exit code %d\n%s%s", line, code, s.out.String(), s.err.String())
		}
	}
}

package sign

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func noon() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }

// propose writes a proposal and reads it again.
func propose(t *testing.T, path string, event *meshosv1.AdminEvent, blast *meshosv1.BlastRadius) *Proposal {
	t.Helper()
	command, err := NewCommand(event)
	if err != nil {
		t.Fatal(err)
	}
	var hash []byte
	if blast != nil {
		sum, err := operator.Hash(blast)
		if err != nil {
			t.Fatal(err)
		}
		hash = sum[:]
	}
	payload, err := command.Encode("prod", hash, noon())
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteProposal(path, payload, blast); err != nil {
		t.Fatal(err)
	}
	p, err := ReadProposal(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func cordon() *meshosv1.AdminEvent {
	return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: 1}}}
}

func evict() *meshosv1.AdminEvent {
	return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ForceEvictReplica{ForceEvictReplica: &meshosv1.ForceEvictReplica{Chain: 7, Victim: 2}}}
}

func sshsigOf(t *testing.T, n byte, payload []byte) []byte {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(testkit.SSHKey(n))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sshsig.Sign(signer, Namespace, payload)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAProposalCollectsSignatures(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a")
	p := propose(t, file, cordon(), nil)
	if p.Kind != "cordon" || p.Admin.GetClusterId() != "prod" || p.Left(noon(), Target{Freshness: time.Minute}) != time.Minute {
		t.Errorf("read %+v", p)
	}
	s := &Signer{AgentSocket: testkit.SSHAgent(t, 1), AgentTimeout: time.Minute}
	choice, err := s.Choose(t.Context(), Request{}, Target{})
	if err != nil {
		t.Fatal(err)
	}
	defer choice.Close()
	raw, err := s.Sign(t.Context(), choice.Keys[0], p.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.AddSignature(choice.Keys[0], raw); err != nil {
		t.Fatal(err)
	}
	write(t, file+".sig", string(sshsig.Armor(sshsigOf(t, 2, p.Payload)))) // as `ssh-keygen -Y sign` names it
	write(t, file+".sig.twice", string(sshsig.Armor(sshsigOf(t, 2, p.Payload))))
	signatures, err := p.Signatures()
	if err != nil || len(signatures) != 2 || len(p.Commit(signatures).GetSignatures()) != 2 {
		t.Errorf("%d signatures: %v", len(signatures), err)
	}
	if err := WriteProposal(file, p.Payload, nil); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("replaced a proposal: %v", err)
	}
}

func TestProposalsThatMustNotBeSigned(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(*meshosv1.AdminCommand) []byte
	}{
		{"without a nonce", "no nonce of 16 bytes", func(c *meshosv1.AdminCommand) []byte { c.Nonce = nil; return nil }},
		{"without a time", "no time of issue", func(c *meshosv1.AdminCommand) []byte { c.IssuedAt = nil; return nil }},
		{"without an event", "it is not a proposal", func(c *meshosv1.AdminCommand) []byte { c.Event = nil; return nil }},
		{"with a blast hash", "no node will accept for cordon", func(c *meshosv1.AdminCommand) []byte { c.BlastHash = make([]byte, 32); return nil }},
		{"of a later version", "has fields that this version of meshos can't show", func(*meshosv1.AdminCommand) []byte { return []byte{0xfa, 0x01, 0x01, 'x'} }},
		{"garbage", "it is not a proposal", func(*meshosv1.AdminCommand) []byte { return []byte{0xff} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			command := &meshosv1.AdminCommand{ClusterId: "prod", IssuedAt: timestamppb.New(noon()), Nonce: make([]byte, 16), Event: cordon()}
			more := c.change(command)
			raw, err := proto.Marshal(command)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "a")
			write(t, file, string(append(raw, more...)))
			if _, err := ReadProposal(file); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestASignatureThatDoesNotVerifyIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a")
	p := propose(t, file, cordon(), nil)
	stray := sshsig.Armor(sshsigOf(t, 1, []byte("another command")))
	for _, text := range []string{string(stray), "nonsense"} {
		write(t, file+".sig", text)
		if _, err := p.Signatures(); err == nil || !strings.HasPrefix(err.Error(), file+".sig: ") || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("got %v", err)
		}
	}
}

// The files beside a proposal may hold anything: only the payload is signed.
func TestABlastRadiusThatWasNotSignedIsNotShown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a")
	if p := propose(t, file, evict(), &meshosv1.BlastRadius{AffectedNodes: []uint64{2}}); p.Blast == nil {
		t.Fatal("the blast radius that was signed is not shown")
	}
	if err := os.WriteFile(file+".json", []byte(`{"command":{},"blast_radius":{"affected_nodes":["1"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := ReadProposal(file)
	if err != nil {
		t.Fatal(err)
	}
	text := p.Text(view.Printer{}, nil, Target{}, noon())
	if p.Blast != nil || !strings.Contains(text, "! "+file+".json has no blast radius with this hash") || strings.Contains(text, "nodes     1\n") {
		t.Errorf("shows %s", text)
	}
}

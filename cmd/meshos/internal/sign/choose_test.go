package sign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/internal/testkit"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// signersFile writes an allowed_signers file.
func signersFile(t *testing.T, path string, names map[string]byte) {
	t.Helper()
	var b strings.Builder
	for name, n := range names {
		b.WriteString(name + " " + string(ssh.MarshalAuthorizedKey(testkit.SSHPublicKey(t, n))))
	}
	write(t, path, b.String())
}

func fingerprint(t *testing.T, n byte) string {
	return ssh.FingerprintSHA256(testkit.SSHPublicKey(t, n))
}

// chosen signs with the keys that are chosen, and returns their fingerprints.
func (s *Signer) chosen(t *testing.T, r Request, target Target) (prints []string, unsigned string, err error) {
	t.Helper()
	choice, err := s.Choose(t.Context(), r, target)
	if err != nil {
		return nil, "", err
	}
	defer choice.Close()
	for _, key := range choice.Keys {
		raw, err := s.Sign(t.Context(), key, []byte("a command"))
		if err != nil {
			t.Fatal(err)
		}
		signature, err := sshsig.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		prints = append(prints, signature.Key.Fingerprint())
	}
	return prints, choice.Unsigned, nil
}

func TestWhichKeySigns(t *testing.T) {
	for _, c := range []struct {
		name      string
		request   Request
		agent     []byte
		operators map[string]byte
		want      []byte
		fails     string
	}{
		{name: "the only one of the agent", agent: []byte{1}, want: []byte{1}},
		{name: "the only one of an operator", agent: []byte{1, 2, 3}, operators: map[string]byte{"ben": 2}, want: []byte{2}},
		{name: "of several, by comment", request: Request{Agent: []string{"key-3"}}, agent: []byte{1, 2, 3}, want: []byte{3}},
		{name: "by fingerprint", request: Request{Agent: []string{fingerprint(t, 2)}}, agent: []byte{1, 2}, want: []byte{2}},
		{name: "by public key", request: Request{Agent: []string{"DIR/two.pub"}}, agent: []byte{1, 2}, want: []byte{2}},
		{name: "two", request: Request{Agent: []string{"key-1", "key-2"}}, agent: []byte{1, 2}, want: []byte{1, 2}},
		{name: "a file", request: Request{Files: []string{"DIR/four"}}, agent: []byte{1}, want: []byte{4}},
		{name: "a file and the agent's", request: Request{Agent: []string{"key-1"}, Files: []string{"DIR/four"}}, agent: []byte{1}, want: []byte{1, 4}},
		{name: "one named twice", request: Request{Files: []string{"DIR/four", "DIR/four"}}, want: []byte{4}},
		{name: "several and none chosen", agent: []byte{1, 2}, fails: "the ssh-agent has several keys; choose one with --key:"},
		{name: "none of an operator", agent: []byte{1}, operators: map[string]byte{"ben": 2}, fails: "none of the keys in the ssh-agent may sign commands of this node"},
		{name: "an unknown one", request: Request{Agent: []string{"nope"}}, agent: []byte{1}, fails: "--key nope: the ssh-agent has no such key; it has:"},
		{name: "no agent", request: Request{Agent: []string{"nope"}}, fails: "--key nope: SSH_AUTH_SOCK is not set"},
		{name: "no such file", request: Request{Files: []string{"DIR/none"}}, fails: "--key-file: open "},
		{name: "no private key", request: Request{Files: []string{"DIR/two.pub"}}, fails: "two.pub: it is not an OpenSSH private key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			target := Target{Known: true, Signers: filepath.Join(dir, "signers")}
			if c.operators != nil {
				signersFile(t, target.Signers, c.operators)
			}
			write(t, filepath.Join(dir, "two.pub"), string(ssh.MarshalAuthorizedKey(testkit.SSHPublicKey(t, 2))))
			testkit.SSHKeyFile(t, filepath.Join(dir, "four"), 4, "")
			s := &Signer{AgentTimeout: time.Minute}
			if c.agent != nil {
				s.AgentSocket = testkit.SSHAgent(t, c.agent...)
			}
			for _, list := range [][]string{c.request.Agent, c.request.Files} {
				for i := range list {
					list[i] = strings.Replace(list[i], "DIR", dir, 1)
				}
			}
			got, _, err := s.chosen(t, c.request, target)
			var usage *UsageError
			if c.fails != "" {
				if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("got %v: %v", got, err)
				}
				return
			}
			var want []string
			for _, n := range c.want {
				want = append(want, fingerprint(t, n))
			}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v\n-want +got:\n%s", err, diff)
			}
		})
	}
}

// Without operators a command goes unsigned, unless a signature is what was asked for.
func TestWhenThereIsNoKey(t *testing.T) {
	for _, c := range []struct {
		name          string
		request       Request
		target        Target
		agent         []byte
		unsigned, err string
	}{
		{name: "no operators", target: Target{Known: true}, agent: []byte{1}, unsigned: "the configuration names no operators"},
		{name: "no configuration", unsigned: "there is no key to sign with (SSH_AUTH_SOCK is not set)"},
		{name: "operators", target: Target{Known: true, Signers: "signers"}, err: "there is no key to sign with: SSH_AUTH_SOCK is not set"},
		{name: "required", request: Request{Required: true}, target: Target{Known: true}, err: "there is no key to sign with: SSH_AUTH_SOCK is not set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Signer{AgentTimeout: time.Minute}
			if c.agent != nil {
				s.AgentSocket = testkit.SSHAgent(t, c.agent...)
			}
			got, unsigned, err := s.chosen(t, c.request, c.target)
			if len(got) != 0 || !strings.HasPrefix(unsigned, c.unsigned) || (err != nil) != (c.err != "") || !strings.HasPrefix(fmt.Sprint(err), c.err) && err != nil {
				t.Errorf("got %v, %q, %v", got, unsigned, err)
			}
		})
	}
}

func TestAKeyThatOthersMayReadSignsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	s := &Signer{}
	for _, passphrase := range []string{"", "open sesame"} {
		testkit.SSHKeyFile(t, path, 1, passphrase)
		for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("--key-file %s: others have access to it (its mode is %04o)", path, mode)
			if got, _, err := s.chosen(t, Request{Files: []string{path}}, Target{}); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got %v: %v", got, err)
			}
		}
	}
	testkit.SSHKeyFile(t, path, 1, "")
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if got, _, err := s.chosen(t, Request{Files: []string{path}}, Target{}); err != nil || len(got) != 1 {
		t.Errorf("got %v: %v", got, err)
	}
}

package sshsig_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/pem"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/meshos/meshos/host/operator/sshsig"
)

const namespace = "meshos-admin"

// newKey makes a key that is the same for the same seed.
func newKey(t testing.TB, seed byte) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	private := ed25519.NewKeyFromSeed(append(make([]byte, 31), seed))
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, private
}

// securityKey does in software what a FIDO2 device does.
type securityKey struct {
	private ed25519.PrivateKey
	flags   byte
	counter uint32
}

func (k securityKey) PublicKey() ssh.PublicKey {
	public, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Type        string
		Public      []byte
		Application string
	}{sshsig.TypeSKEd25519, k.private.Public().(ed25519.PublicKey), "ssh:"}))
	if err != nil {
		panic(err)
	}
	return public
}

func (k securityKey) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	application, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	said := binary.BigEndian.AppendUint32([]byte{k.flags}, k.counter)
	proof := append(append(append([]byte(nil), application[:]...), said...), message[:]...)
	return &ssh.Signature{Format: sshsig.TypeSKEd25519, Blob: ed25519.Sign(k.private, proof), Rest: said}, nil
}

func sign(t testing.TB, signer ssh.Signer, message string) []byte {
	t.Helper()
	raw, err := sshsig.Sign(signer, namespace, []byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func parse(t testing.TB, raw []byte) sshsig.Signature {
	t.Helper()
	sig, err := sshsig.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// tool runs a program of OpenSSH, which has to be there: apt-get install
// openssh-client.
func tool(t *testing.T, stdin string, env []string, name string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: install openssh-client", err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustTool(t *testing.T, stdin string, env []string, name string, args ...string) string {
	t.Helper()
	out, err := tool(t, stdin, env, name, args...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}

func write(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// keyFile writes a private key as OpenSSH does, and its public half beside it.
func keyFile(t *testing.T, dir string, private ed25519.PrivateKey) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "key.pub"), ssh.MarshalAuthorizedKey(public))
	return write(t, filepath.Join(dir, "key"), pem.EncodeToMemory(block))
}

package sshsig_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/internal/testkit"
)

func TestB21_WhatSSHKeygenSignsIsVerified(t *testing.T) {
	dir := t.TempDir()
	_, private := newKey(t, 1)
	key := keyFile(t, dir, private)
	for _, hash := range []string{"sha512", "sha256"} {
		payload := write(t, filepath.Join(dir, hash), []byte(message))
		mustTool(t, "", nil, "ssh-keygen", "-q", "-Y", "sign", "-O", "hashalg="+hash, "-n", namespace, "-f", key, payload)
		armored, err := os.ReadFile(payload + ".sig")
		if err != nil {
			t.Fatal(err)
		}
		raw, err := sshsig.Dearmor(armored)
		if err != nil {
			t.Fatal(err)
		}
		sig := parse(t, raw)
		if err := sig.Verify(namespace, []byte(message), sshsig.TouchRequired); err != nil || sig.Hash != hash {
			t.Errorf("%s: %v, of hash %s", hash, err, sig.Hash)
		}
	}
}

// verifies asks ssh-keygen about a signature of ours.
func verifies(t *testing.T, signer ssh.Signer, raw []byte, payload string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	allowed := write(t, filepath.Join(dir, "allowed"), append([]byte("alice "), ssh.MarshalAuthorizedKey(signer.PublicKey())...))
	sig := write(t, filepath.Join(dir, "sig"), sshsig.Armor(raw))
	return tool(t, payload, nil, "ssh-keygen", "-Y", "verify", "-n", namespace, "-I", "alice", "-f", allowed, "-s", sig)
}

func TestB21_SSHKeygenVerifiesWhatIsSignedHere(t *testing.T) {
	plain, private := newKey(t, 1)
	for name, signer := range map[string]ssh.Signer{
		"ed25519": plain, "security key": securityKey{private: private, flags: 1, counter: 42},
	} {
		raw := sign(t, signer, message)
		if out, err := verifies(t, signer, raw, message); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if out, err := verifies(t, signer, raw, message+"!"); err == nil {
			t.Errorf("%s: ssh-keygen takes it for other bytes too: %s", name, out)
		}
	}
}

// startAgent runs a real ssh-agent until the test is over.
func startAgent(t *testing.T) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // short: the path of a socket is
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "s")
	path, err := exec.LookPath("ssh-agent")
	if err != nil {
		t.Fatalf("%v: install openssh-client", err)
	}
	cmd := exec.Command(path, "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})
	return socket
}

// dialAgent waits for the agent to listen.
func dialAgent(t *testing.T, socket string) agent.ExtendedAgent {
	t.Helper()
	var dialer net.Dialer
	var conn net.Conn
	testkit.Until(t, "the agent listens", func() bool {
		var err error
		conn, err = dialer.DialContext(t.Context(), "unix", socket)
		return err == nil
	})
	t.Cleanup(func() { _ = conn.Close() })
	return agent.NewClient(conn)
}

func TestB21_ARealAgentSigns(t *testing.T) {
	socket := startAgent(t)
	keys := dialAgent(t, socket)
	_, private := newKey(t, 1)
	if err := keys.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	signers, err := keys.Signers()
	if err != nil || len(signers) != 1 {
		t.Fatalf("the agent has %d signers: %v", len(signers), err)
	}
	raw := sign(t, signers[0], message)
	if err := parse(t, raw).Verify(namespace, []byte(message), sshsig.TouchRequired); err != nil {
		t.Error(err)
	}
	if out, err := verifies(t, signers[0], raw, message); err != nil {
		t.Errorf("ssh-keygen: %v\n%s", err, out)
	}

	// And ssh-keygen with nothing but the public key, which the agent signs for.
	dir := t.TempDir()
	public := write(t, filepath.Join(dir, "key.pub"), ssh.MarshalAuthorizedKey(signers[0].PublicKey()))
	armored := mustTool(t, message, []string{"SSH_AUTH_SOCK=" + socket}, "ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", public)
	raw, err = sshsig.Dearmor([]byte(armored))
	if err != nil {
		t.Fatalf("%v in\n%s", err, armored)
	}
	if err := parse(t, raw).Verify(namespace, []byte(message), sshsig.TouchRequired); err != nil {
		t.Error(err)
	}
}

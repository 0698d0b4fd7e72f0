package testkit

import (
	"crypto/ed25519"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// SSHKey returns a private key made from a number, the same one each time.
func SSHKey(n byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed)
}

// SSHPublicKey returns the public half of SSHKey.
func SSHPublicKey(t testing.TB, n byte) ssh.PublicKey {
	t.Helper()
	public, err := ssh.NewPublicKey(SSHKey(n).Public())
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// SSHKeyFile writes SSHKey to a file, locked if there is a passphrase.
func SSHKeyFile(t testing.TB, path string, n byte, passphrase string) {
	t.Helper()
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(SSHKey(n), "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(SSHKey(n), "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
}

// SSHAgent runs an ssh-agent with keys whose comments have their numbers, such as
// "key-1", and returns its socket. The end of the test ends it.
func SSHAgent(t testing.TB, numbers ...byte) (socket string) {
	t.Helper()
	ring := agent.NewKeyring()
	for _, n := range numbers {
		if err := ring.Add(agent.AddedKey{PrivateKey: SSHKey(n), Comment: "key-" + strconv.Itoa(int(n))}); err != nil {
			t.Fatal(err)
		}
	}
	socket = filepath.Join(t.TempDir(), "a")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				_ = agent.ServeAgent(ring, conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		served.Wait()
	})
	return socket
}

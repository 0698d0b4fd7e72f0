package sign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/internal/readfile"
)

// keyring holds the keys of an ssh-agent. Its owner closes it.
type keyring struct {
	keys  []Key
	conn  net.Conn // to the ssh-agent, nil for none
	empty string   // why there are no keys
}

func (k *keyring) close() {
	if k.conn != nil {
		_ = k.conn.Close()
	}
}

// openAgent lists the keys of the ssh-agent, without those of types that may not sign
// commands.
func (s *Signer) openAgent(ctx context.Context) (*keyring, error) {
	ring := &keyring{}
	if s.AgentSocket == "" {
		ring.empty = "SSH_AUTH_SOCK is not set"
		return ring, nil
	}
	dialer := net.Dialer{Timeout: s.AgentTimeout}
	conn, err := dialer.DialContext(ctx, "unix", s.AgentSocket)
	if err != nil {
		ring.empty = fmt.Sprintf("the ssh-agent does not answer: %v", err)
		return ring, nil
	}
	ring.conn = conn
	client := agent.NewClient(conn)
	var list []*agent.Key
	err = s.askAgent(ctx, "list its keys", "start another one, or use --key-file", s.AgentTimeout, ring.close, func() (err error) {
		list, err = client.List()
		return err
	})
	var silent *SilentAgentError
	if err != nil {
		ring.close()
		if ctx.Err() != nil || errors.As(err, &silent) {
			return nil, err
		}
		return nil, fmt.Errorf("ask the ssh-agent for its keys: %w", err)
	}
	for _, one := range list {
		key, err := sshsig.ParseKey(one.Marshal())
		if err != nil {
			continue
		}
		ring.keys = append(ring.keys, Key{
			key: key, comment: one.Comment, from: "the ssh-agent",
			open:   func(context.Context) (ssh.Signer, error) { return &agentSigner{client, one}, nil },
			cancel: ring.close,
		})
	}
	if len(ring.keys) == 0 {
		ring.empty = "the ssh-agent has no ed25519 key; add one with ssh-add"
	}
	return ring, nil
}

// agentSigner signs with one key of an ssh-agent.
type agentSigner struct {
	agent agent.Agent
	key   *agent.Key
}

func (s *agentSigner) PublicKey() ssh.PublicKey { return s.key }

func (s *agentSigner) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	return s.agent.Sign(s.key, data)
}

// pick finds the key that a fingerprint, a comment or a public key file names.
func (k *keyring) pick(word string) (Key, error) {
	named := func(key Key) bool { return key.key.Fingerprint() == word || key.comment == word }
	if strings.HasSuffix(word, ".pub") {
		raw, err := readfile.Read(word, readfile.MaxText)
		if err != nil {
			return Key{}, fmt.Errorf("--key: %w", err)
		}
		public, _, _, _, err := ssh.ParseAuthorizedKey(raw)
		if err != nil {
			return Key{}, fmt.Errorf("--key %s: it is not a public key", word)
		}
		want := ssh.FingerprintSHA256(public)
		named = func(key Key) bool { return key.key.Fingerprint() == want }
	}
	found := slices.DeleteFunc(slices.Clone(k.keys), func(key Key) bool { return !named(key) })
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return Key{}, fmt.Errorf("--key %s: several keys have that comment; name one by its fingerprint:%s", word, Names(found))
	case len(k.keys) == 0:
		return Key{}, fmt.Errorf("--key %s: %s", word, k.empty)
	}
	return Key{}, fmt.Errorf("--key %s: the ssh-agent has no such key; it has:%s\n    to sign with a private key's file use --key-file", word, Names(k.keys))
}

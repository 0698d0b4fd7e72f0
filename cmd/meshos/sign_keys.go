package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/operator/sshsig"
)

// signer is one key that can sign, with what tells it from others.
type signer struct {
	key     sshsig.Key
	comment string
	from    string // "the ssh-agent", or the file
	open    func(context.Context) (ssh.Signer, error)
	cut     func() // ends a signing that goes on, or nil
}

// name is how people know the key.
func (s signer) name() string {
	if s.comment == "" {
		return s.key.Fingerprint()
	}
	return s.key.Fingerprint() + " (" + view.Plain(s.comment) + ")"
}

// keyring is the keys that can be had. Its owner closes it.
type keyring struct {
	keys []signer
	conn net.Conn // to the ssh-agent
	why  string   // there are no keys of an agent
}

func (k *keyring) close() {
	if k.conn != nil {
		_ = k.conn.Close()
	}
}

// agentKeys asks the ssh-agent which keys it holds, and leaves out those of types
// that may not sign commands.
func (a *app) agentKeys(ctx context.Context) (*keyring, error) {
	ring := &keyring{}
	socket := a.env("SSH_AUTH_SOCK")
	if socket == "" {
		ring.why = "SSH_AUTH_SOCK is not set"
		return ring, nil
	}
	dialer := net.Dialer{Timeout: a.timeout}
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		ring.why = fmt.Sprintf("the ssh-agent does not answer: %v", err)
		return ring, nil
	}
	ring.conn = conn
	_ = conn.SetDeadline(time.Now().Add(a.timeout))
	client := agent.NewClient(conn)
	held, err := client.List()
	if err != nil {
		ring.close()
		return nil, fmt.Errorf("ask the ssh-agent for its keys: %w", err)
	}
	_ = conn.SetDeadline(time.Time{}) // a security key waits to be touched
	for _, one := range held {
		key, err := sshsig.ParseKey(one.Marshal())
		if err != nil {
			continue
		}
		ring.keys = append(ring.keys, signer{
			key: key, comment: one.Comment, from: "the ssh-agent",
			open: func(context.Context) (ssh.Signer, error) { return &agentSigner{client, one}, nil },
			cut:  ring.close,
		})
	}
	if len(ring.keys) == 0 {
		ring.why = "the ssh-agent holds no ed25519 key; add one with ssh-add"
	}
	return ring, nil
}

// agentSigner signs with one key of an agent.
type agentSigner struct {
	agent agent.Agent
	key   *agent.Key
}

func (s *agentSigner) PublicKey() ssh.PublicKey { return s.key }

func (s *agentSigner) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	return s.agent.Sign(s.key, data)
}

// fileKey reads a private key. One with a passphrase is opened when it signs, so
// that nobody types it for nothing.
func (a *app) fileKey(path string) (signer, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return signer{}, &usageError{err: fmt.Errorf("--key-file: %w", err)}
	}
	out := signer{from: path, comment: commentBeside(path)}
	opened, err := ssh.ParsePrivateKey(raw)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		out.open = func(context.Context) (ssh.Signer, error) { return opened, nil }
		out.key, err = sshsig.ParseKey(opened.PublicKey().Marshal())
	case errors.As(err, &locked) && locked.PublicKey != nil:
		out.open = func(ctx context.Context) (ssh.Signer, error) { return a.unlock(ctx, path, raw) }
		out.key, err = sshsig.ParseKey(locked.PublicKey.Marshal())
	default:
		err = fmt.Errorf("it is no OpenSSH private key that can be used here (%w)\n"+
			"    a security key signs through the ssh-agent: ssh-add it and use --key", err)
	}
	if err == nil {
		err = keptSecret(path)
	}
	if err != nil {
		return signer{}, &usageError{err: fmt.Errorf("--key-file %s: %w", path, err)}
	}
	return out, nil
}

// keptSecret refuses a key file of this user that is open to others, as ssh does: it may
// be anybody's key by now.
func keptSecret(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if open := info.Mode().Perm() & 0o077; open == 0 || !ok || int(owner.Uid) != os.Getuid() {
		return nil
	}
	return fmt.Errorf("it is open to others (its mode is %04o), so it may be no secret any more\n    chmod 600 %s", info.Mode().Perm(), path)
}

func (a *app) unlock(ctx context.Context, path string, raw []byte) (ssh.Signer, error) {
	who := a.prompts()
	if who == nil {
		return nil, &usageError{err: fmt.Errorf("--key-file %s: it has a passphrase, and there is no terminal to ask for it\n    ssh-add it and use --key", path)}
	}
	passphrase, err := who.ask(ctx, "Passphrase of "+path+": ", true)
	if err != nil {
		return nil, err
	}
	opened, err := ssh.ParsePrivateKeyWithPassphrase(raw, []byte(passphrase))
	if err != nil {
		return nil, fmt.Errorf("%s: the passphrase does not open it", path)
	}
	return opened, nil
}

// commentBeside gives the comment of the public key next to a private one.
func commentBeside(path string) string {
	raw, err := os.ReadFile(path + ".pub")
	if err != nil {
		return ""
	}
	_, comment, _, _, err := ssh.ParseAuthorizedKey(raw)
	if err != nil {
		return ""
	}
	return comment
}

// pick finds the key of a ring that a fingerprint, a comment or a public key file
// names.
func (k *keyring) pick(word string) (signer, error) {
	fits := func(s signer) bool { return s.key.Fingerprint() == word || s.comment == word }
	if strings.HasSuffix(word, ".pub") {
		raw, err := os.ReadFile(word)
		if err != nil {
			return signer{}, fmt.Errorf("--key: %w", err)
		}
		public, _, _, _, err := ssh.ParseAuthorizedKey(raw)
		if err != nil {
			return signer{}, fmt.Errorf("--key %s: it is no public key", word)
		}
		want := ssh.FingerprintSHA256(public)
		fits = func(s signer) bool { return s.key.Fingerprint() == want }
	}
	found := slices.DeleteFunc(slices.Clone(k.keys), func(s signer) bool { return !fits(s) })
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return signer{}, fmt.Errorf("--key %s: several keys have that comment; name one by its fingerprint:%s", word, namesOf(found))
	case len(k.keys) == 0:
		return signer{}, fmt.Errorf("--key %s: %s", word, k.why)
	}
	return signer{}, fmt.Errorf("--key %s: the ssh-agent has no such key, only:%s\n    a private key's file is named with --key-file", word, namesOf(k.keys))
}

// operatorsKeys leaves the keys that an operator's line names, if one does.
func operatorsKeys(keys []signer, set *signers.Set) []signer {
	if set == nil {
		return keys
	}
	return slices.DeleteFunc(slices.Clone(keys), func(s signer) bool {
		return !slices.ContainsFunc(set.Entries(), func(e signers.Entry) bool { return e.Key == s.key })
	})
}

func namesOf(keys []signer) string {
	var b strings.Builder
	for _, key := range keys {
		b.WriteString("\n    " + key.name())
	}
	return b.String()
}

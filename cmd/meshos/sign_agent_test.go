package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/meshos/meshos/internal/testkit"
)

// hungAgent is an ssh-agent that lists its keys and never signs, as one whose dialog nobody
// sees.
type hungAgent struct {
	agent.ExtendedAgent
	ended <-chan struct{}
}

func (h hungAgent) SignWithFlags(ssh.PublicKey, []byte, agent.SignatureFlags) (*ssh.Signature, error) {
	<-h.ended
	return nil, io.ErrClosedPipe
}

func (h hungAgent) Sign(key ssh.PublicKey, data []byte) (*ssh.Signature, error) {
	return h.SignWithFlags(key, data, 0)
}

// listenAgent accepts on a socket until the test ends, and serves each connection.
func listenAgent(t *testing.T, serve func(net.Conn, <-chan struct{})) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "a")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				serve(conn, ended)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		close(ended)
		served.Wait()
	})
	return socket
}

func neverSigns(t *testing.T) string {
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: testkit.SSHKey(1), Comment: "key-1"}); err != nil {
		t.Fatal(err)
	}
	return listenAgent(t, func(conn net.Conn, ended <-chan struct{}) {
		_ = agent.ServeAgent(hungAgent{ring.(agent.ExtendedAgent), ended}, conn)
	})
}

func neverAnswers(t *testing.T) string {
	return listenAgent(t, func(_ net.Conn, ended <-chan struct{}) { <-ended })
}

// Where nobody is at a terminal, an ssh-agent that never answers is waited for as long as
// --timeout says.
func TestASilentAgentIsWaitedForWithinTheTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		socket func(*testing.T) string
		line   string
		want   []string
	}{
		"it never signs": {neverSigns, "admin cordon --yes", []string{
			"note: waiting for the ssh-agent to sign with " + fingerprint(t, 1) + " (key-1), for 500ms at most (--timeout); it may want a confirmation",
			"meshos: the ssh-agent did not sign with " + fingerprint(t, 1) + " (key-1) within 500ms: nothing was signed or sent\n    its socket is SOCKET ($SSH_AUTH_SOCK)",
		}},
		"it never signs a proposal": {neverSigns, "ice sign PROPOSAL --yes --expect-hash HASH", []string{
			"the ssh-agent did not sign with", "within 500ms: nothing was signed or sent",
		}},
		"it never answers": {neverAnswers, "admin cordon --yes", []string{
			"note: waiting for the ssh-agent to list its keys, for 500ms at most (--timeout); ",
			"meshos: the ssh-agent did not list its keys within 500ms: nothing was signed or sent\n    its socket is SOCKET ($SSH_AUTH_SOCK); start another one, or use --key-file",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			j, d, dir := newOperatorNode(t, withOperators)
			signersFile(t, dir, map[string]byte{"ana": 1})
			line := c.line
			if strings.Contains(line, "PROPOSAL") {
				proposal := filepath.Join(dir, "p")
				d.must(t, "ice freeze --ttl 10m --propose "+proposal)
				line = strings.NewReplacer("PROPOSAL", proposal, "HASH", hexOf(hashOf(j.blast))).Replace(line)
			}
			d.env["SSH_AUTH_SOCK"] = c.socket(t)
			if code := d.run(t.Context(), line+" --timeout 500ms"); code != exitFailed {
				t.Errorf("exit code %d", code)
			}
			for _, want := range c.want {
				if want = strings.ReplaceAll(want, "SOCKET", d.env["SSH_AUTH_SOCK"]); !strings.Contains(d.err.String(), want) {
					t.Errorf("said %s\nwant %s", d.err.String(), want)
				}
			}
			if len(j.commits) > 0 {
				t.Error("something was sent")
			}
		})
	}
}

// A person at a terminal is told what is waited for, however long that takes, and can give up.
func TestAPersonIsToldThatTheAgentIsWaitedFor(t *testing.T) {
	for name, socket := range map[string]func(*testing.T) string{"it never signs": neverSigns, "it never answers": neverAnswers} {
		t.Run(name, func(t *testing.T) {
			j, d, dir := newOperatorNode(t, withOperators)
			signersFile(t, dir, map[string]byte{"ana": 1})
			d.env["SSH_AUTH_SOCK"] = socket(t)
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			d.answers = []string{"y"}
			said := &onText{text: "waiting for the ssh-agent to", then: interrupt}
			a := &app{
				in: strings.NewReader(""), out: &d.out, err: said, env: func(key string) string { return d.env[key] },
				now: noon, zone: noon().Location(), version: "v1.2.3", person: d,
			}
			code := execute(ctx, a, []string{"admin", "cordon", "--timeout", "1h"})
			if code != exitFailed || !strings.HasSuffix(said.all.String(), "meshos: interrupted: nothing was sent\n") || len(j.commits) > 0 {
				t.Errorf("exit code %d: %s", code, said.all.String())
			}
		})
	}
}

// onText calls a function once a text was written.
type onText struct {
	text string
	then func()

	mu  sync.Mutex
	all bytes.Buffer
}

func (o *onText) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all.Write(b)
	if strings.Contains(o.all.String(), o.text) {
		o.then()
	}
	return len(b), nil
}

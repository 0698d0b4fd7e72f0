package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// The node's times, as its configuration has them.
const (
	interval = 500 * time.Millisecond
	budget   = 50 * time.Millisecond
)

// node is one real node, with operators, a well-behaved probe and an attacker.
type node struct {
	hostv1.HostClient
	dir    string
	cmd    *exec.Cmd
	conn   *grpc.ClientConn
	out    bytes.Buffer
	signer ssh.Signer
}

// start lays out a node in dir and runs it, until it answers.
func start(ctx context.Context, b binaries, dir string, a attack, plugin string) (*node, error) {
	n := &node{dir: dir}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	if n.signer, err = ssh.NewSignerFromKey(key); err != nil {
		return nil, err
	}
	signers := "operator " + string(ssh.MarshalAuthorizedKey(n.signer.PublicKey()))
	if err := os.WriteFile(filepath.Join(dir, "signers"), []byte(signers), 0o600); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "meshos.toml")
	if err := os.WriteFile(config, []byte(configuration(b, a, plugin)), 0o600); err != nil {
		return nil, err
	}
	n.cmd = exec.Command(b.meshos, "run", "-c", config)
	n.cmd.Stdout, n.cmd.Stderr = &n.out, &n.out
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	n.conn, err = grpc.NewClient("unix:"+filepath.Join(dir, "s"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(256<<20)))
	if err != nil {
		return nil, err
	}
	n.HostClient = hostv1.NewHostClient(n.conn)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := n.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{}, grpc.WaitForReady(true)); err != nil {
		n.kill()
		return nil, fmt.Errorf("the node does not answer: %w\n%s", err, n.out.String())
	}
	return n, nil
}

func configuration(b binaries, a attack, plugin string) string {
	var kinds []string
	for _, k := range a.kinds {
		kinds = append(kinds, fmt.Sprintf("%q", k))
	}
	return fmt.Sprintf(`[node]
id = 1
name = "torture"
listen = ""
data_dir = "data"
socket = "s"

[loop]
tick_interval = %q
probe_budget = %q

[operators]
signers = "signers"

[[peer]]
id = 2
name = "other"
address = "127.0.0.1"

[[plugin]]
name = "sibling"
path = %q

[[plugin]]
name = "attacker"
path = %q
kinds = [%s]
env = { ATTACK = %q }
%s
`, interval, budget, b.sibling, plugin, strings.Join(kinds, ", "), a.name, a.more)
}

// kill ends the node as a power cut would, and waits until it is gone.
func (n *node) kill() {
	if n.conn != nil {
		_ = n.conn.Close()
	}
	_ = n.cmd.Process.Signal(syscall.SIGKILL)
	_ = n.cmd.Wait()
}

// left waits until no process of an attack is left, or for much longer than that may
// take, and lists those that are.
func left() (pids []string) {
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if pids = attackers(); len(pids) == 0 {
			return nil
		}
	}
	return pids
}

// attackers lists the processes whose environment is that of an attacker, which its
// children inherit.
func attackers() (pids []string) {
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environments {
		if env, err := os.ReadFile(path); err == nil && bytes.Contains(env, []byte("ATTACK=")) {
			pids = append(pids, filepath.Base(filepath.Dir(path)))
		}
	}
	return pids
}

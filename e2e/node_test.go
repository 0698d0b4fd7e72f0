package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// node is a node with a configuration of its own.
type node struct {
	t      *testing.T
	dir    string
	config string
	listen string
	host   hostv1.HostClient   // a client of it; its connection is made when it is used
	as     *syscall.Credential // the user that it runs as; nil for this one
	env    []string            // variables that it and its commands have beside this process's
	wrap   func(*exec.Cmd)     // changes how it is started; nil for not at all
	under  []string            // the command that starts it, in front of its own; nil for none
	cmd    *exec.Cmd
	out    *plugintest.Buffer // what the node has printed
	stderr *os.File           // what the node logs to; nil for out
	exited chan struct{}      // closed when it has ended; err is set then
	err    error
}

// listen listens at an IP address that it has to itself, so that its port stays free for this
// test when it is closed: others that listen meanwhile do so elsewhere.
func listen(t *testing.T) net.Listener {
	t.Helper()
	own := net.IPv4(127, 1+byte(rand.IntN(254)), byte(rand.IntN(256)), 1+byte(rand.IntN(254)))
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: own})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// freeAddress returns an address on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l := listen(t)
	_ = l.Close()
	return l.Addr().String()
}

// shipped returns the configuration that comes with meshos, with a port and plugins of this
// test's own.
func shipped(t *testing.T, listen string) string {
	t.Helper()
	text, err := os.ReadFile("../meshos.toml")
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.ReplaceAll(string(text), "127.0.0.1:7878", listen)
	if !strings.Contains(moved, "[plugins]") || strings.Count(moved, listen) < 2 {
		t.Fatal("the shipped configuration is not what this test expects")
	}
	// These keys are comments in the shipped file.
	moved = strings.Replace(moved, "[plugins]", fmt.Sprintf("[plugins]\ndir = %q", filepath.Join(bin, "plugins")), 1)
	return strings.Replace(moved, "[node]", fmt.Sprintf("[node]\nlisten = %q", listen), 1)
}

// prepare returns a node that is not started yet. change edits the configuration.
func prepare(t *testing.T, change ...func(string) string) *node {
	t.Helper()
	dir, err := os.MkdirTemp("", "mesh") // a short path, since that of a socket has to be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		endDaemons(t, filepath.Join(dir, "var", "daemons"))
		_ = os.RemoveAll(dir)
	})
	n := &node{t: t, dir: dir, config: filepath.Join(dir, "meshos.toml"), listen: freeAddress(t), out: &plugintest.Buffer{}}
	n.serves(filepath.Join(dir, "run", "meshos.sock"))
	text := shipped(t, n.listen)
	for _, c := range change {
		text = c(text)
	}
	n.write(text)
	return n
}

// serves tells where the node's API answers.
func (n *node) serves(socket string) {
	n.t.Helper()
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 10 * time.Millisecond, Multiplier: 1, MaxDelay: 10 * time.Millisecond},
			MinConnectTimeout: patience,
		}))
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = conn.Close() })
	n.host = hostv1.NewHostClient(conn)
}

func (n *node) write(text string) {
	n.t.Helper()
	if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

// start starts the node. The end of the test ends it and its daemons.
func (n *node) start(flags ...string) *node {
	n.t.Helper()
	line := slices.Concat(n.under, []string{filepath.Join(bin, "meshos"), "run", "-c", n.config}, flags)
	n.cmd = exec.Command(line[0], line[1:]...)
	n.cmd.Stdout, n.cmd.Stderr = n.out, n.out
	if n.stderr != nil {
		n.cmd.Stderr = n.stderr
	}
	n.cmd.Env = append(os.Environ(), n.env...)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: n.as}
	if n.wrap != nil {
		n.wrap(n.cmd)
	}
	n.cmd.WaitDelay = 5 * time.Second
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.exited = make(chan struct{})
	go func() {
		n.err = n.cmd.Wait()
		close(n.exited)
	}()
	n.t.Cleanup(func() {
		n.end()
		if n.t.Failed() {
			n.t.Logf("the node said:\n%s", n.out)
		}
	})
	return n
}

// end asks the node to end, and waits until it has.
func (n *node) end() {
	n.t.Helper()
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.exited:
	case <-time.After(patience):
		_ = n.cmd.Process.Kill()
		<-n.exited
		n.t.Errorf("the node did not end within %s of SIGTERM", patience)
	}
}

// command returns a command against the node. The end of ctx kills it.
func (n *node) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "meshos"), append([]string{"-c", n.config}, args...)...)
	cmd.Env = append(os.Environ(), n.env...)
	return cmd
}

// meshos runs one command against the node, and returns its output and its exit code.
func (n *node) meshos(args ...string) (stdout, stderr string, code int) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	cmd := n.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		n.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must runs a command that has to succeed, however long the node takes for its answer.
func (n *node) must(args ...string) string {
	n.t.Helper()
	out, errs, code := n.meshos(append([]string{"--timeout", (patience / 2).String()}, args...)...)
	if code != 0 {
		n.t.Fatalf("meshos %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// snapshot returns the node's snapshot, or nil if it does not answer. It costs much less than a
// command that asks for it.
func (n *node) snapshot() *meshosv1.Snapshot {
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	s, err := n.host.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{})
	if err != nil {
		return nil
	}
	return s
}

// status returns the node's snapshot as status prints it, or nil if the node does not answer.
func (n *node) status() *meshosv1.Snapshot {
	n.t.Helper()
	out, _, code := n.meshos("status", "-o", "json", "--timeout", (patience / 2).String())
	if code != 0 {
		return nil
	}
	var snap meshosv1.Snapshot
	if err := protojson.Unmarshal([]byte(out), &snap); err != nil {
		n.t.Fatalf("status -o json: %v", err)
	}
	return &snap
}

// patience is how long a test waits for anything: the machine may be slow, or busy with
// other tests.
const patience = testkit.Patience

// until asks for the snapshot until ok returns true, and fails the test after patience.
func (n *node) until(what string, ok func(*meshosv1.Snapshot) bool) *meshosv1.Snapshot {
	n.t.Helper()
	deadline := time.After(patience)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	var last *meshosv1.Snapshot
	for {
		if snap := n.snapshot(); snap != nil {
			last = snap
			if ok(snap) {
				return snap
			}
		}
		select {
		case <-deadline:
			n.t.Fatalf("not within %s: %s\nlast snapshot: %s", patience, what, protojson.Format(last))
		case <-n.exited:
			n.t.Fatalf("the node ended while waiting for: %s", what)
		case <-poll.C:
		}
	}
}

func plugin(s *meshosv1.Snapshot, name string) *meshosv1.PluginView {
	for _, p := range s.GetPlugins() {
		if p.GetName() == name {
			return p
		}
	}
	return nil
}

func peer(s *meshosv1.Snapshot, id uint64) *meshosv1.PeerView {
	for _, p := range s.GetPeers() {
		if p.GetPeer() == id {
			return p
		}
	}
	return nil
}

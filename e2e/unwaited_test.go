package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/internal/hangfs"
	"github.com/meshos/meshos/internal/testkit"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// signedBy has the node take commands that a key signed.
func (n *node) signedBy(key operatorKey) {
	n.t.Helper()
	signers := append([]byte("alice "), ssh.MarshalAuthorizedKey(key.signer.PublicKey())...)
	if err := os.WriteFile(filepath.Join(n.dir, "allowed_signers"), signers, 0o600); err != nil {
		n.t.Fatal(err)
	}
	text := read(n.t, n.config)
	if !strings.Contains(text, "\n[operators]\n") {
		text += "\n[operators]\n"
	}
	n.write(strings.Replace(text, "\n[operators]\n", "\n[operators]\nsigners = \"allowed_signers\"\n", 1))
}

// While a tick waits for a probe whose process hangs, commits are answered, and in force.
func TestCommitsDoNotWaitForAProbeWhoseProcessHangs(t *testing.T) {
	t.Parallel()
	key := newOperatorKey(t)
	n := prepare(t, func(text string) string {
		text = strings.Replace(text, "name = \"inventory-procfs\"", "name = \"inventory-procfs\"\ntimeout = \"5m\"", 1)
		return strings.Replace(text, "[loop]", "[loop]\ntick_interval = \"100ms\"\nprobe_budget = \"1m\"", 1)
	})
	n.signedBy(key)
	n.start()
	s := n.until("all to be there", complete)
	pid := int(plugin(s, "inventory-procfs").GetPid())
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// 20 early ticks take longer than a tick that waits for nobody.
	open := n.snapshot().GetStats()
	for node := uint64(100); open.GetEarlyTicks()+20 > n.snapshot().GetStats().GetEarlyTicks(); node++ {
		command, err := key.command(node)
		if err != nil {
			t.Fatal(err)
		}
		record, err := n.host.Commit(ctx, &hostv1.CommitRequest{Commit: command})
		if err != nil || record.GetOutcome().GetVerdict() != meshosv1.VerificationOutcome_VERDICT_ACCEPTED {
			t.Fatal(record, err)
		}
		s := n.snapshot()
		if !isCordoned(s, node) {
			t.Fatalf("the order about node %d was answered and is not in force", node)
		}
		if s.GetStats().GetTicks() != open.GetTicks() { // one that began before, or did not ask that probe
			open = s.GetStats()
		}
	}
}

// While the disk answers nothing, no order is answered as accepted, however many wait, and
// whatever needs no disk goes on. Each that is accepted later is in force after a kill.
func TestOrdersWaitForADiskThatHangs(t *testing.T) {
	t.Parallel()
	key := newOperatorKey(t)
	disk := hangfs.Mount(t)
	n := prepare(t, func(text string) string {
		text, _, _ = strings.Cut(text, "\n[[")
		return strings.Replace(text, "[node]", "[node]\ndata_dir = \""+disk.Dir+"\"", 1)
	})
	n.signedBy(key)
	n.start()
	n.until("a tick", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
	disk.Hang()
	defer disk.LetGo()
	const all = 256
	var clients []hostv1.HostClient // a connection takes 100 calls at a time
	for range 4 {
		clients = append(clients, n.host)
		n.serves(filepath.Join(n.dir, "run", "meshos.sock"))
	}
	var wait sync.WaitGroup
	var accepted, failed atomic.Int64
	var answered [all]bool
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	for i := range all {
		command, err := key.command(uint64(100 + i))
		if err != nil {
			t.Fatal(err)
		}
		wait.Go(func() {
			record, err := clients[i%4].Commit(ctx, &hostv1.CommitRequest{Commit: command}, grpc.WaitForReady(true))
			switch {
			case err == nil && record.GetOutcome().GetVerdict() == meshosv1.VerificationOutcome_VERDICT_ACCEPTED:
				answered[i] = true
				accepted.Add(1)
			case err == nil, status.Code(err) == codes.Unavailable:
				failed.Add(1)
			default:
				t.Errorf("answered %v, %v", record, err)
			}
		})
	}
	testkit.Until(t, "somebody to wait for the disk", func() bool { return disk.Waiting() > 0 })
	tick := n.snapshot().GetTick()
	n.until("ticks to go on", func(s *meshosv1.Snapshot) bool { return s.GetTick() > tick+3 })
	if got := accepted.Load(); got > 0 {
		t.Errorf("%d orders were answered as accepted, and none can be on disk", got)
	}
	disk.LetGo()
	wait.Wait()
	t.Logf("%d accepted, %d not", accepted.Load(), failed.Load())
	n.kill()
	n.start()
	n.until("what was answered to be in force", func(s *meshosv1.Snapshot) bool {
		for i, yes := range answered {
			if yes && !isCordoned(s, uint64(100+i)) {
				return false
			}
		}
		return s.GetTick() > 0
	})
}

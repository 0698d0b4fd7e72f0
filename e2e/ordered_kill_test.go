package e2e

import (
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// orderer orders more and more replicas of a chain of his own.
type orderer struct {
	chain    uint64
	sent     atomic.Uint32 // the last number that was sent
	answered atomic.Uint32 // the last number that was accepted
}

func (o *orderer) orderUntil(ctx context.Context, key operatorKey, host hostv1.HostClient) error {
	for ctx.Err() == nil {
		next := o.sent.Add(1)
		commit, err := key.sign(&meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetPlacement{
			SetPlacement: &meshosv1.SetPlacement{Node: 1, Chain: o.chain, DesiredReplicas: &next},
		}})
		if err != nil {
			return err
		}
		call, cancel := context.WithTimeout(ctx, 5*time.Second)
		record, err := host.Commit(call, &hostv1.CommitRequest{Commit: commit}, grpc.WaitForReady(true))
		cancel()
		if err != nil {
			continue // the node is just being killed or started
		}
		if strings.Contains(record.GetOutcome().GetMessage(), "no longer knows whether it accepted") {
			select { // the kill cut off what it was writing of an order that was not answered; it says so for 30 s
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
			continue
		}
		if record.GetOutcome().GetVerdict() != meshosv1.VerificationOutcome_VERDICT_ACCEPTED || record.GetHeight() == 0 {
			return fmt.Errorf("recorded %v", record)
		}
		o.answered.Store(next)
	}
	return nil
}

// Promise P2, for what orders do: an order that was answered is in force after any number of
// kills, and none that was not sent is.
func TestP2_B25_OrdersThatWereAnsweredAreInForceAfterKills(t *testing.T) {
	t.Parallel()
	key := newOperatorKey(t)
	n := prepare(t)
	signers := filepath.Join(n.dir, "allowed_signers")
	if err := os.WriteFile(signers, append([]byte("alice "), ssh.MarshalAuthorizedKey(key.signer.PublicKey())...), 0o600); err != nil {
		t.Fatal(err)
	}
	n.write("[node]\nid = 1\nlisten = \"\"\n[loop]\ntick_interval = \"5ms\"\n[operators]\nsigners = \"allowed_signers\"\n[[chain]]\nid = 11\n[[chain]]\nid = 12\n[[chain]]\nid = 13\n")
	all := []*orderer{{chain: 11}, {chain: 12}, {chain: 13}}
	times := max(20, *kills/5)
	for kill := range times {
		n.out = &plugintest.Buffer{}
		n.start()
		ctx, stop := context.WithCancel(t.Context())
		if kill > 0 {
			inForce(t, n.host, all)
		}
		before := total(all)
		var orderers sync.WaitGroup
		for _, o := range all {
			orderers.Go(func() {
				if err := o.orderUntil(ctx, key, n.host); err != nil {
					t.Errorf("chain %d: %v", o.chain, err)
				}
			})
		}
		testkit.UntilWithin(t, 2*time.Minute, func() string { return fmt.Sprintf("orders after kill %d", kill) }, func() bool {
			return total(all) >= before+1+uint32(mathrand.IntN(12))
		})
		n.kill()
		stop()
		orderers.Wait()
		if kill%7 == 3 { // a checkpoint that is not what was written
			if err := os.WriteFile(filepath.Join(n.dir, "var", "ordered", "checkpoint"), []byte("meshos"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d kills, %d orders answered", times, total(all))
}

func total(all []*orderer) (sum uint32) {
	for _, o := range all {
		sum += o.answered.Load()
	}
	return sum
}

// inForce fails the test unless a node that was just started has what was ordered.
func inForce(t *testing.T, host hostv1.HostClient, all []*orderer) {
	t.Helper()
	var s *meshosv1.Snapshot
	testkit.Until(t, "a snapshot", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var err error
		s, err = host.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{}, grpc.WaitForReady(true))
		return err == nil && s.GetTick() > 0
	})
	desired := map[uint64]uint32{}
	for _, r := range s.GetReplicas() {
		desired[r.GetChain()] = r.GetDesired()
	}
	for _, o := range all {
		if got := desired[o.chain]; got < o.answered.Load() || got > o.sent.Load() {
			t.Fatalf("chain %d: %d replicas are desired; %d were ordered and answered, %d sent", o.chain, got, o.answered.Load(), o.sent.Load())
		}
	}
}

// A node that is killed right after an order still knows what the order replaced: if the file
// says something else by then, the file wins.
func TestB25_AnOrderOfTheLastMomentIsReplacedByAFileThatChangedSince(t *testing.T) {
	t.Parallel()
	key := newOperatorKey(t)
	n := prepare(t)
	if err := os.WriteFile(filepath.Join(n.dir, "allowed_signers"), append([]byte("alice "), ssh.MarshalAuthorizedKey(key.signer.PublicKey())...), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "[node]\nid = 1\nlisten = \"\"\n[loop]\ntick_interval = \"1h\"\n[operators]\nsigners = \"allowed_signers\"\n" +
		"[[chain]]\nid = 11\nreplicas = 2\n[[chain]]\nid = 12\nreplicas = %d\n"
	n.write(fmt.Sprintf(text, 2))
	n.start()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	three := uint32(3)
	for chain := uint64(11); chain <= 12; chain++ {
		commit, err := key.sign(&meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetPlacement{
			SetPlacement: &meshosv1.SetPlacement{Node: 1, Chain: chain, DesiredReplicas: &three},
		}})
		if err != nil {
			t.Fatal(err)
		}
		record, err := n.host.Commit(ctx, &hostv1.CommitRequest{Commit: commit}, grpc.WaitForReady(true))
		if err != nil || record.GetOutcome().GetVerdict() != meshosv1.VerificationOutcome_VERDICT_ACCEPTED {
			t.Fatal(record, err)
		}
	}
	n.kill()
	n.write(fmt.Sprintf(text, 5))
	n.out = &plugintest.Buffer{}
	n.start()
	s := n.until("a tick", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
	desired := map[uint64]uint32{}
	for _, r := range s.GetReplicas() {
		desired[r.GetChain()] = r.GetDesired()
	}
	if desired[11] != 3 || desired[12] != 5 {
		t.Errorf("%v are desired: 3 were ordered of each, and the file went from 2 to 5 for chain 12", desired)
	}
	if !strings.Contains(n.out.String(), "the configuration changed replicas from 2 to 5") {
		t.Errorf("the log does not say it:\n%s", n.out)
	}
}

// A signed command to end a node is answered before the node ends.
func TestB25_ASignedStopOfTheNodeIsAnswered(t *testing.T) {
	t.Parallel()
	key := newOperatorKey(t)
	n := prepare(t)
	signers := filepath.Join(n.dir, "allowed_signers")
	if err := os.WriteFile(signers, append([]byte("alice "), ssh.MarshalAuthorizedKey(key.signer.PublicKey())...), 0o600); err != nil {
		t.Fatal(err)
	}
	n.write(quick + "[operators]\nsigners = \"allowed_signers\"\n")
	n.start()
	n.until("a tick", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
	commit, err := key.sign(&meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_StopNode{StopNode: &meshosv1.NodeTarget{Node: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	record, err := n.host.Commit(ctx, &hostv1.CommitRequest{Commit: commit})
	if err != nil || record.GetOutcome().GetVerdict() != meshosv1.VerificationOutcome_VERDICT_ACCEPTED || record.GetHeight() != 1 {
		t.Errorf("answered %v, %v", record, err)
	}
	select {
	case <-n.exited:
	case <-time.After(patience):
		t.Error("the node did not end")
	}
}

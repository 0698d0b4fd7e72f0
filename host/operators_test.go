package host

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/testkit"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// whole is a whole node with operators, in this process.
type whole struct {
	hostv1.HostClient
	t      *testing.T
	dir    string
	reload chan os.Signal
	end    func()
	nonces uint64
}

func signerOf(t *testing.T, seed byte) ssh.Signer {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(append(make([]byte, 31), seed)))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func (w *whole) signers(names ...string) {
	w.t.Helper()
	var text strings.Builder
	for i, name := range names {
		fmt.Fprintf(&text, "%s %s", name, ssh.MarshalAuthorizedKey(signerOf(w.t, byte(i+1)).PublicKey()))
	}
	if err := os.WriteFile(filepath.Join(w.dir, "signers"), []byte(text.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func newWhole(t *testing.T) *whole {
	t.Helper()
	w := &whole{t: t, dir: t.TempDir(), end: func() {}}
	w.signers("alice", "bob")
	const text = "[node]\nid = 1\nlisten = \"\"\ndata_dir = \"data\"\nsocket = \"s\"\n[loop]\ntick_interval = \"10ms\"\n[operators]\nsigners = \"signers\"\n"
	if err := os.WriteFile(filepath.Join(w.dir, "meshos.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.start()
	t.Cleanup(func() { w.end() })
	return w
}

// start runs the node, after the one before ended.
func (w *whole) start() {
	w.t.Helper()
	w.end()
	cfg, err := config.Load(filepath.Join(w.dir, "meshos.toml"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.reload = make(chan os.Signal)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, cfg, Options{Version: "test", Log: slog.New(slog.DiscardHandler), Reload: w.reload})
	}()
	conn, err := grpc.NewClient("unix:"+cfg.Node.Socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.HostClient = hostv1.NewHostClient(conn)
	w.end = func() {
		_ = conn.Close()
		stop()
		if err := <-ended; err != nil {
			w.t.Errorf("the node ended with %v", err)
		}
		w.end = func() {}
	}
	within, cancel := context.WithTimeout(w.t.Context(), testkit.Patience)
	defer cancel()
	if _, err := w.GetSnapshot(within, &hostv1.GetSnapshotRequest{}, grpc.WaitForReady(true)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *whole) signed(ev mesh.AdminEvent, who ...byte) *hostv1.CommitRequest {
	w.t.Helper()
	w.nonces++
	c := &meshosv1.AdminCommand{
		ClusterId: "default", Event: wire.AdminToProto(ev), IssuedAt: timestamppb.Now(),
		Nonce: binary.BigEndian.AppendUint64(make([]byte, 8), w.nonces),
	}
	if ev.BreakGlass() {
		simulated, err := w.Simulate(w.t.Context(), &hostv1.SimulateRequest{Event: c.GetEvent()})
		if err != nil {
			w.t.Fatal(err)
		}
		c.BlastHash = simulated.GetBlastHash()
	}
	payload, err := proto.Marshal(c)
	if err != nil {
		w.t.Fatal(err)
	}
	out := &hostv1.CommitRequest{Commit: &meshosv1.SignedCommit{Payload: payload}}
	for _, seed := range who {
		raw, err := sshsig.Sign(signerOf(w.t, seed), rules.Namespace, payload)
		if err != nil {
			w.t.Fatal(err)
		}
		out.Commit.Signatures = append(out.Commit.Signatures, raw)
	}
	return out
}

// commit gives the kind of rejection, or "" for an accepted command.
func (w *whole) commit(in *hostv1.CommitRequest) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), testkit.Patience)
	defer cancel()
	record, err := w.Commit(ctx, in)
	if err != nil {
		w.t.Fatal(err)
	}
	accepted := record.GetOutcome().GetVerdict() == meshosv1.VerificationOutcome_VERDICT_ACCEPTED
	if record.GetSeq() == 0 || accepted != (record.GetOutcome().GetKind() == "") || accepted && !record.GetOperators()[0].GetVerified() {
		w.t.Errorf("record %v", record)
	}
	return record.GetOutcome().GetKind()
}

func (w *whole) wants(in *hostv1.CommitRequest, kind string) {
	w.t.Helper()
	if got := w.commit(in); got != kind {
		w.t.Errorf("rejected as %q, want %q", got, kind)
	}
}

// until waits for a snapshot.
func (w *whole) until(what string, ok func(*meshosv1.Snapshot) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), testkit.Patience)
	defer cancel()
	watch, err := w.WatchSnapshots(ctx, &hostv1.WatchSnapshotsRequest{})
	for err == nil {
		var s *meshosv1.Snapshot
		if s, err = watch.Recv(); err == nil && ok(s) {
			return
		}
	}
	w.t.Fatalf("%s: %v", what, err)
}

func TestOperator109_112_B22_BreakGlassThroughTheDoorAndOverARestart(t *testing.T) {
	w := newWhole(t)
	w.wants(w.signed(mesh.FreezeCluster{TTL: time.Hour}, 1), rules.KindInsufficient)
	freeze := w.signed(mesh.FreezeCluster{TTL: time.Hour}, 1, 2)
	w.wants(freeze, "")
	cordon := w.signed(mesh.Cordon{Node: 5}, 1)
	w.wants(cordon, mesh.RejectFrozen)
	w.start()
	w.until("frozen after a restart", func(s *meshosv1.Snapshot) bool {
		return s.GetFreezeRemaining().AsDuration() > 59*time.Minute
	})
	w.wants(freeze, rules.KindReplayed)
	w.wants(w.signed(mesh.FreezeCluster{TTL: time.Hour}, 1, 2), rules.KindCooldown)
	w.wants(w.signed(mesh.ThawCluster{}, 2), "")
	w.wants(cordon, rules.KindReplayed) // it was accepted, and held back by the freeze
	w.wants(w.signed(mesh.Cordon{Node: 5}, 1), "")
	w.start()
	w.until("not frozen any more", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 && s.GetFreezeRemaining() == nil })
}

func TestSIGHUPTakesKeysOverAndAuditsThem(t *testing.T) {
	w := newWhole(t)
	w.signers("alice", "carol", "dave")
	w.reload <- os.Interrupt
	bobs, daves := ssh.FingerprintSHA256(signerOf(t, 2).PublicKey()), ssh.FingerprintSHA256(signerOf(t, 3).PublicKey())
	w.until("the changes are audited", func(s *meshosv1.Snapshot) bool { return len(s.GetAdminAudit()) == 2 })
	s, err := w.GetSnapshot(t.Context(), &hostv1.GetSnapshotRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := []*meshosv1.SignerChange{
		{
			Name: "carol", OldFingerprint: bobs, NewFingerprint: bobs,
			Text: "operator carol: rules of key " + bobs + " changed from principals bob to principals carol",
		},
		{Name: "dave", NewFingerprint: daves, Text: "operator dave: key " + daves + " added (principals dave)"},
	}
	for i, r := range s.GetAdminAudit() {
		if !proto.Equal(r.GetSignerChange(), want[i]) || r.GetSeq() != uint64(i+1) || r.GetEvent() != nil || r.GetOutcome() != nil {
			t.Errorf("audited %v, want %v", r, want[i])
		}
	}
	w.wants(w.signed(mesh.Cordon{Node: 5}, 3), "")
	if err := os.WriteFile(filepath.Join(w.dir, "signers"), []byte("\nnonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.reload <- os.Interrupt
	w.until("a failure with the line", func(s *meshosv1.Snapshot) bool {
		for _, f := range s.GetRecentFailures() {
			if strings.Contains(f.GetReason(), "the signers in force stay: ") && strings.Contains(f.GetReason(), "signers:2: ") {
				return true
			}
		}
		return false
	})
	w.wants(w.signed(mesh.Cordon{Node: 5}, 3), "")
}

// TestEveryKeyOfALargeChangeIsAudited changes more keys at once than a snapshot may
// leave state.AuditRing/2.
func TestEveryKeyOfALargeChangeIsAudited(t *testing.T) {
	w := newWhole(t)
	const operators = state.AuditRing/2 + 50
	names := []string{"alice", "bob"}
	for i := len(names); i < operators; i++ {
		names = append(names, fmt.Sprintf("op%d", i))
	}
	w.signers(names...)
	w.reload <- os.Interrupt
	w.until("all changes are audited", func(s *meshosv1.Snapshot) bool {
		audit := s.GetAdminAudit()
		return len(audit) > 0 && audit[len(audit)-1].GetSeq() == operators-2
	})
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	tail, err := w.TailAudit(ctx, &hostv1.TailRequest{})
	if err != nil {
		t.Fatal(err)
	}
	audited := make(map[string]bool)
	for {
		r, err := tail.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		audited[r.GetSignerChange().GetName()] = true
	}
	for _, name := range names[2:] {
		if !audited[name] {
			t.Errorf("%s is not in the audit log", name)
		}
	}
}

// TestTenThousandBadCommits sends malformed and replayed commands over the API, from
// many clients at once, and good ones among them.
func TestTenThousandBadCommits(t *testing.T) {
	w := newWhole(t)
	replay := w.signed(mesh.Cordon{Node: 5}, 1)
	w.wants(replay, "")
	good := make([]*hostv1.CommitRequest, 5)
	for i := range good {
		good[i] = w.signed(mesh.Cordon{Node: mesh.NodeID(10 + i)}, 1)
	}
	junk := &hostv1.CommitRequest{Commit: &meshosv1.SignedCommit{Payload: []byte("junk"), Signatures: [][]byte{[]byte("x")}}}
	const all, clients = 10_000, 100
	before := heap()
	var mu sync.Mutex
	kinds := make(map[string]int)
	var flood sync.WaitGroup
	for i := range clients {
		flood.Go(func() {
			for j := range all / clients {
				in := junk
				if j%2 == 0 {
					in = replay
				}
				kind := w.commit(in)
				mu.Lock()
				kinds[kind]++
				mu.Unlock()
			}
			if i < len(good) {
				w.wants(good[i], "")
			}
		})
	}
	flood.Wait()
	if kinds[mesh.RejectMalformed] != all/2 || kinds[rules.KindReplayed] != all/2 {
		t.Errorf("rejected as %v", kinds)
	}
	record, err := w.Commit(t.Context(), junk)
	if err != nil || record.GetSeq() != all+uint64(len(good))+2 {
		t.Errorf("the last audit record is %v, %v: want every command to have left one", record, err)
	}
	if grown := int64(heap()) - int64(before); grown > 32<<20 {
		t.Errorf("%d MB are left behind", grown>>20)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

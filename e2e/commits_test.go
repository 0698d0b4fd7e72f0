package e2e

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

var kills = flag.Int("kills", 40, "how often TestP2 kills the node")

// operatorKey is the key of an operator.
type operatorKey struct{ signer ssh.Signer }

func newOperatorKey(t *testing.T) operatorKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return operatorKey{signer}
}

// command returns a signed cordon. Its nonce makes it different from all others.
func (o operatorKey) command(node uint64) (*meshosv1.SignedCommit, error) {
	return o.sign(&meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: node}}})
}

// sign returns a signed command. Its nonce makes it different from all others.
func (o operatorKey) sign(event *meshosv1.AdminEvent) (*meshosv1.SignedCommit, error) {
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	payload, err := proto.Marshal(&meshosv1.AdminCommand{
		ClusterId: "default", IssuedAt: timestamppb.Now(), Nonce: nonce,
		Event: event,
	})
	if err != nil {
		return nil, err
	}
	signature, err := sshsig.Sign(o.signer, "meshos-admin", payload)
	if err != nil {
		return nil, err
	}
	return &meshosv1.SignedCommit{Payload: payload, Signatures: [][]byte{signature}}, nil
}

// answered has the ids of the commits that were answered, in order, for each client.
type answered struct {
	mu  sync.Mutex
	ids map[int][]string
	n   int
}

func (a *answered) add(client int, id []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids[client] = append(a.ids[client], hex.EncodeToString(id))
	a.n++
}

func (a *answered) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.n
}

// commitUntil commits one command after the other until ctx ends. Errors are expected while
// the node is being killed or started.
func (a *answered) commitUntil(ctx context.Context, client int, key operatorKey, host hostv1.HostClient) error {
	for ctx.Err() == nil {
		command, err := key.command(uint64(client + 2))
		if err != nil {
			return err
		}
		call, cancel := context.WithTimeout(ctx, 2*time.Second)
		record, err := host.Commit(call, &hostv1.CommitRequest{Commit: command}, grpc.WaitForReady(true))
		cancel()
		if err != nil {
			continue
		}
		if record.GetOutcome().GetVerdict() != meshosv1.VerificationOutcome_VERDICT_ACCEPTED {
			return fmt.Errorf("rejected: %v", record.GetOutcome())
		}
		a.add(client, record.GetCommitId())
	}
	return nil
}

// Promise P2: after any number of kills each commit that was answered is in the records
// once, and they are in the order of the answers.
func TestP2_CommitsThatWereAnsweredSurviveKills(t *testing.T) {
	t.Parallel()
	key := newOperatorKey(t)
	n := prepare(t)
	authorized := string(ssh.MarshalAuthorizedKey(key.signer.PublicKey()))
	signers := filepath.Join(n.dir, "allowed_signers")
	if err := os.WriteFile(signers, []byte("alice "+authorized), 0o600); err != nil {
		t.Fatal(err)
	}
	n.write("[node]\nid = 1\nlisten = \"\"\n[loop]\ntick_interval = \"20ms\"\n[operators]\nsigners = \"allowed_signers\"\n")

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := &answered{ids: map[int][]string{}}
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			if err := done.commitUntil(ctx, client, key, n.host); err != nil {
				t.Errorf("client %d: %v", client, err)
			}
		})
	}
	for kill := range *kills {
		n.out = &plugintest.Buffer{}
		n.start()
		before := done.count()
		testkit.Until(t, fmt.Sprintf("commits after kill %d", kill), func() bool { return done.count() >= before+1+mathrand.IntN(20) })
		if err := n.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-n.exited
	}
	stop()
	clients.Wait()

	at := map[string]int{}
	for i, id := range exported(t, n) {
		if before, twice := at[id]; twice {
			t.Fatalf("commit %s is both record %d and record %d", id, before, i)
		}
		at[id] = i
	}
	for client, ids := range done.ids {
		last := -1
		for _, id := range ids {
			i, there := at[id]
			if !there {
				t.Fatalf("client %d: commit %s was answered but is not in the records", client, id)
			}
			if i < last {
				t.Fatalf("client %d: commit %s is out of order", client, id)
			}
			last = i
		}
	}
	t.Logf("%d kills, %d commits answered, %d recorded", *kills, done.count(), len(at))
	if out := n.must("audit", "verify", "--signers", signers); !strings.Contains(out, "signatures good") {
		t.Errorf("audit verify:\n%s", out)
	}
}

// exported returns the ids of the accepted commits in a node's records on disk, in their
// order.
func exported(t *testing.T, n *node) (ids []string) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(n.must("audit", "export")))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var record meshosv1.AdminAuditRecord
		if err := protojson.Unmarshal(lines.Bytes(), &record); err != nil {
			t.Fatalf("audit export: %v in %s", err, lines.Text())
		}
		if record.GetOutcome().GetVerdict() == meshosv1.VerificationOutcome_VERDICT_ACCEPTED {
			ids = append(ids, hex.EncodeToString(record.GetCommitId()))
		}
	}
	return ids
}

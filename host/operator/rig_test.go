package operator_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Who signs in the cases. Alice has two keys; eve is in no file.
const (
	alice = iota + 1
	alice2
	bob
	eve
)

func keyOf(t testing.TB, who int) ssh.Signer {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(append(make([]byte, 31), byte(who))))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func fingerprint(t testing.TB, who int) string {
	return ssh.FingerprintSHA256(keyOf(t, who).PublicKey())
}

func line(t testing.TB, principal string, who int) string {
	return principal + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(keyOf(t, who).PublicKey()))) + "\n"
}

func begin() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// rig is an authorizer whose clock the test sets.
type rig struct {
	*operator.Authorizer
	t      testing.TB
	opts   operator.Options
	now    time.Time
	nonces uint64
	logged strings.Builder
}

// newRig opens an authorizer with the defaults of the configuration.
func newRig(t testing.TB, change ...func(*rig)) *rig {
	t.Helper()
	r := &rig{t: t, now: begin()}
	r.opts = operator.Options{
		Policy: rules.Policy{
			Cluster: "c", Ordinary: 1, BreakGlass: 2, Thaw: 1,
			Freshness: 5 * time.Minute, FutureSkew: 30 * time.Second, Cooldown: 5 * time.Minute,
		},
		DataDir: t.TempDir(),
		Now:     func() time.Time { return r.now },
		Log:     slog.New(slog.NewTextHandler(&r.logged, nil)),
	}
	r.opts.Signers = filepath.Join(r.opts.DataDir, "signers")
	r.signers(line(t, "alice", alice) + line(t, "alice", alice2) + line(t, "bob", bob))
	for _, c := range change {
		c(r)
	}
	r.open()
	return r
}

func (r *rig) signers(text string) {
	r.t.Helper()
	if err := os.WriteFile(r.opts.Signers, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) open() {
	r.t.Helper()
	a, err := operator.Open(r.opts)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Authorizer = a
	r.t.Cleanup(func() { _ = a.Close() })
}

// restart closes the authorizer and opens it again, with nothing but its files.
func (r *rig) restart() {
	r.t.Helper()
	_ = r.Close()
	r.open()
}

func (r *rig) after(d time.Duration) *rig { r.now = begin().Add(d); return r }

// command is an AdminCommand that is fresh and complete; break-glass ones are
// simulated.
func (r *rig) command(ev mesh.AdminEvent) *meshosv1.AdminCommand {
	r.t.Helper()
	r.nonces++
	out := &meshosv1.AdminCommand{
		ClusterId: "c", Event: wire.AdminToProto(ev), IssuedAt: timestamppb.New(r.now),
		Nonce: binary.BigEndian.AppendUint64(make([]byte, 8), r.nonces),
	}
	if ev.BreakGlass() {
		if _, hash, err := r.Simulate(&snapshot.Snapshot{Node: 1}, ev); err == nil {
			out.BlastHash = hash[:]
		} else {
			out.BlastHash = append(make([]byte, rules.HashSize-1), 1)
		}
	}
	return out
}

func (r *rig) sign(c *meshosv1.AdminCommand, who ...int) wire.Signed {
	r.t.Helper()
	payload, err := proto.Marshal(c)
	if err != nil {
		r.t.Fatal(err)
	}
	out := wire.Signed{Payload: payload}
	for _, w := range who {
		raw, err := sshsig.Sign(keyOf(r.t, w), rules.Namespace, payload)
		if err != nil {
			r.t.Fatal(err)
		}
		out.Signatures = append(out.Signatures, raw)
	}
	return out
}

// judge commits an event signed by some people.
func (r *rig) judge(ev mesh.AdminEvent, who ...int) mesh.JudgedCommit {
	r.t.Helper()
	return r.Judge("api", r.sign(r.command(ev), who...))
}

// want checks a verdict: a kind of rejection, "accepted" or "unverified".
func want(t testing.TB, got mesh.JudgedCommit, kind string) {
	t.Helper()
	is := map[mesh.Verdict]string{mesh.VerdictAccepted: "accepted", mesh.VerdictUnverified: "unverified"}[got.Outcome.Verdict]
	if is == "" {
		is = got.Outcome.Kind
	}
	if is != kind {
		t.Errorf("judged %s (%s), want %s", is, got.Outcome.Message, kind)
	}
	if is == got.Outcome.Kind && got.Outcome.Message == "" {
		t.Errorf("%s says nothing to a person", kind)
	}
}

func idOf(payload []byte) string { id := sha256.Sum256(payload); return string(id[:]) }

func nowhere() *slog.Logger { return slog.New(slog.DiscardHandler) }

package operator_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
)

func TestADamagedFileOfSignersOpensNoAuthorizer(t *testing.T) {
	r := newRig(t)
	_ = r.Close()
	r.signers(line(t, "alice", alice) + "nonsense\n")
	_, err := operator.Open(r.opts)
	var damage *signers.Damage
	if !errors.As(err, &damage) || damage.Problems[0].Line != 2 {
		t.Errorf("got %v", err)
	}
}

func TestAReloadTakesKeysOverAndSaysWhichOnes(t *testing.T) {
	r := newRig(t)
	r.signers(line(t, "alice", alice) + line(t, "eve", eve))
	changes, err := r.ReloadSigners()
	if err != nil || len(changes) != 3 {
		t.Fatalf("got %v, %v", changes, err)
	}
	var said strings.Builder
	for _, c := range changes {
		said.WriteString(c.String())
	}
	for _, who := range []int{alice2, bob, eve} {
		if !strings.Contains(said.String(), fingerprint(t, who)) {
			t.Errorf("%q does not name %s", said.String(), fingerprint(t, who))
		}
	}
	want(t, r.judge(cordon(), bob), rules.KindNotAuthorized)
	want(t, r.judge(cordon(), eve), "accepted")

	r.signers("damaged")
	if _, err := r.ReloadSigners(); err == nil || !strings.Contains(err.Error(), "signers:1: ") {
		t.Errorf("got %v, want the line", err)
	}
	want(t, r.judge(cordon(), alice), "accepted")
}

func TestAKeyCountsWhileItIsValid(t *testing.T) {
	r := newRig(t)
	r.signers(strings.Replace(line(t, "alice", alice), "alice ", `alice valid-before="202603011200Z" `, 1))
	if _, err := r.ReloadSigners(); err != nil {
		t.Fatal(err)
	}
	want(t, r.judge(cordon(), alice), "accepted")
	got := r.after(time.Second).judge(cordon(), alice)
	want(t, got, rules.KindNotAuthorized)
	if !strings.Contains(got.Outcome.Message, "valid-before is 2026-03-01T12:00:00Z") || got.Operators[0].Name != "alice" {
		t.Errorf("got %+v", got)
	}
}

func TestTheObserverWritesDownWhatNobodyJudged(t *testing.T) {
	r := newRig(t)
	left := time.Hour
	shown := &snapshot.Snapshot{Node: 1, TakenAt: r.now, Frozen: snapshot.At(mesh.Time(left))}
	r.Observe(shown)
	r.restart()
	if got := r.FreezeRemaining(); got != left {
		t.Errorf("%v are left of an unsigned freeze, want %v", got, left)
	}
	r.Observe(&snapshot.Snapshot{Node: 1, TakenAt: r.now})
	r.restart()
	if got := r.FreezeRemaining(); got != 0 {
		t.Errorf("%v are left of a freeze that an unsigned thaw ended", got)
	}
}

func TestTheObserverWaitsForCommitsThatAreOnTheirWay(t *testing.T) {
	r := newRig(t)
	before := &snapshot.Snapshot{Node: 1, TakenAt: r.now}
	commit := r.judge(mesh.FreezeCluster{TTL: time.Hour}, alice, bob)
	want(t, commit, "accepted")
	r.Observe(before) // not folded yet
	r.Settled(commit, 7)
	r.Observe(before) // folded, but not shown yet
	r.restart()
	if got := r.FreezeRemaining(); got != time.Hour {
		t.Fatalf("%v are left: an old snapshot took the freeze away", got)
	}
	// One that never was folded is taken back.
	commit = r.after(6*time.Minute).judge(mesh.FreezeCluster{TTL: 2 * time.Hour}, alice, bob)
	want(t, commit, "accepted")
	r.Settled(commit, 0)
	r.Observe(&snapshot.Snapshot{Node: 1, TakenAt: r.now})
	r.restart()
	if got := r.FreezeRemaining(); got != 0 {
		t.Errorf("%v are left of a freeze that was never folded", got)
	}
}

func TestAFloodIsTurnedAwayBeforeCryptographyAndForItsOwnOrigin(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	forged := func() wire.Signed {
		s := r.sign(r.command(cordon()))
		for range 50 {
			s.Signatures = append(s.Signatures, r.sign(r.command(cordon()), alice).Signatures...)
		}
		return s
	}
	kinds := make(map[string]int)
	for range 40 {
		kinds[r.Judge("plugins", forged()).Outcome.Kind]++
	}
	if kinds[rules.KindRateLimited] != 20 || kinds[rules.KindSignature] != 20 {
		t.Errorf("got %v, want 1000 signatures looked at", kinds)
	}
	if c := r.Counts(); c[rules.KindRateLimited] != 20 || c[rules.KindSignature] != 20 {
		t.Errorf("counted %v", c)
	}
	want(t, r.judge(cordon(), alice), "accepted")
	r.after(time.Second)
	want(t, r.Judge("plugins", r.sign(r.command(cordon()), alice)), "accepted")
}

func TestB24_AFullAuditLogTakesBreakGlassOnly(t *testing.T) {
	for _, signers := range []bool{true, false} {
		full := true
		r := newRig(t, func(r *rig) {
			r.opts.AuditFull = func() bool { return full }
			if !signers {
				r.opts.Signers = ""
			}
		})
		accepted := map[bool]string{true: "accepted", false: "unverified"}[signers]
		refused := r.sign(r.command(cordon()), alice)
		want(t, r.Judge("api", refused), rules.KindAuditFull)
		want(t, r.judge(freeze(), alice, bob), accepted)
		if n := r.Counts()[operator.CountPassedFull]; n != 1 {
			t.Errorf("%d passed, want 1", n)
		}
		if !signers {
			verdict, refuses := r.RefuseUnsigned(mesh.AdminReceived{Event: cordon()})
			if verdict.Kind != rules.KindAuditFull || !refuses {
				t.Errorf("an unsigned command: %v, refused %v", verdict, refuses)
			}
			if _, ice := r.RefuseUnsigned(mesh.AdminReceived{Event: freeze()}); ice {
				t.Error("an unsigned break-glass command is refused")
			}
		}
		full = false
		if _, refuses := r.RefuseUnsigned(mesh.AdminReceived{Event: cordon()}); refuses != signers {
			t.Errorf("there is room, and an unsigned command is refused: %v", refuses)
		}
		want(t, r.Judge("api", refused), accepted)
	}
}

func TestIssuedSimulationsAreBounded(t *testing.T) {
	r := newRig(t)
	first := r.command(mesh.KillMigration{Migration: 1})
	for i := range 1024 {
		r.command(mesh.ForceCutover{Chain: mesh.ChainID(i + 1), Target: 2})
	}
	want(t, r.Judge("api", r.sign(first, alice, bob)), rules.KindMismatch)
	want(t, r.judge(mesh.KillMigration{Migration: 1}, alice, bob), "accepted")
}

func FuzzJudge(f *testing.F) {
	r := newRig(f)
	good := r.sign(r.command(cordon()), alice)
	f.Add(good.Payload, good.Signatures[0])
	ice := r.sign(r.command(freeze()), alice)
	f.Add(ice.Payload, ice.Signatures[0])
	f.Fuzz(func(t *testing.T, payload, signature []byte) {
		got := r.Judge("api", wire.Signed{Payload: payload, Signatures: [][]byte{signature}})
		ours := string(payload) == string(good.Payload)
		if got.Outcome.Verdict == mesh.VerdictAccepted && !ours {
			t.Errorf("forged: %+v", got)
		}
		if got.Outcome.Verdict == mesh.VerdictRejected && (got.Outcome.Kind == "" || got.Outcome.Message == "") {
			t.Errorf("rejected without a reason: %+v", got)
		}
	})
}

func BenchmarkJudge(b *testing.B) {
	r := newRig(b, func(r *rig) { r.opts.Policy.Ordinary = 2 })
	replay := r.sign(r.command(cordon()), alice, bob)
	want(b, r.Judge("api", replay), "accepted")
	b.Run("replayed", func(b *testing.B) {
		for b.Loop() {
			r.Judge("api", replay)
		}
	})
	b.Run("malformed", func(b *testing.B) {
		for b.Loop() {
			r.Judge("api", wire.Signed{Payload: []byte("junk"), Signatures: replay.Signatures})
		}
	})
	forged := r.sign(r.command(cordon()))
	forged.Signatures = replay.Signatures
	b.Run("forged", func(b *testing.B) {
		for b.Loop() {
			r.now = r.now.Add(10 * time.Millisecond) // so that the rate limit does not help
			r.Judge("api", forged)
		}
	})
}

// Orders without a signature are refused where there are operators. What allow_unsigned
// lets pass are ordinary orders.
func TestB20_OrdersNeedSignaturesWhereThereAreOperators(t *testing.T) {
	orders := []mesh.Event{
		mesh.AdminReceived{Event: cordon()},
		mesh.AdminReceived{Event: freeze()},
		mesh.PlacementIntent{Chain: 1},
		mesh.DaemonIntent{},
		mesh.LocalReplicaIntent{Chain: 1},
		mesh.Shutdown{},
		mesh.MaintenanceObserved{Node: 1},
	}
	for name, tc := range map[string]struct {
		change  func(*rig)
		refused []bool // of the orders
	}{
		"operators":         {func(*rig) {}, []bool{true, true, true, true, true, true, true}},
		"no operators":      {func(r *rig) { r.opts.Signers = "" }, make([]bool, 7)},
		"allowed: ordinary": {func(r *rig) { r.opts.AllowUnsigned = true }, []bool{false, true, false, false, false, false, true}},
	} {
		r := newRig(t, tc.change)
		n := uint64(0)
		for i, order := range orders {
			verdict, refused := r.RefuseUnsigned(order)
			if refused != tc.refused[i] || refused && (verdict.Kind != mesh.RejectUnsigned || verdict.Verdict != mesh.VerdictRejected) {
				t.Errorf("%s: %s: refused %v, %v", name, mesh.EventKind(order), refused, verdict)
			}
			if refused {
				n++
			}
		}
		if got := r.Counts()[mesh.RejectUnsigned]; got != n {
			t.Errorf("%s: counted %d refusals, want %d", name, got, n)
		}
	}
}

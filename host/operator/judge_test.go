package operator_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func cordon() mesh.AdminEvent { return mesh.Cordon{Node: 42} }
func freeze() mesh.AdminEvent { return mesh.FreezeCluster{TTL: time.Minute} }

func TestOperator043_OneSignatureIsEnoughForAnOrdinaryCommand(t *testing.T) {
	r := newRig(t)
	signed := r.sign(r.command(cordon()), alice)
	got := r.Judge("api", signed)
	want(t, got, "accepted")
	if got.Event != cordon() || string(got.CommitID) != idOf(signed.Payload) {
		t.Errorf("got %+v", got)
	}
	who := []mesh.Operator{{KeyID: fingerprint(t, alice), Name: "alice", Verified: true}}
	if diff := cmp.Diff(who, got.Operators); diff != "" {
		t.Errorf("Operator050 who signed: -want +got:\n%s", diff)
	}
}

func TestB21_Thresholds(t *testing.T) {
	for _, c := range []struct {
		name string
		ev   mesh.AdminEvent
		who  []int
		want string
	}{
		{"nobody", cordon(), nil, rules.KindInsufficient},
		{"Operator034 not in the file", cordon(), []int{eve}, rules.KindNotAuthorized},
		{"Operator038 two", freeze(), []int{alice, bob}, "accepted"},
		{"one is too few for break-glass", freeze(), []int{alice}, rules.KindInsufficient},
		{"Operator037 one twice", freeze(), []int{alice, alice}, rules.KindInsufficient},
		{"two keys of one person", freeze(), []int{alice, alice2}, rules.KindInsufficient},
		{"two keys of one person and another", freeze(), []int{alice, alice2, bob}, "accepted"},
		{"a stranger spoils it", freeze(), []int{alice, bob, eve}, rules.KindNotAuthorized},
		{"a thaw needs one", mesh.ThawCluster{}, []int{bob}, "accepted"},
		{"more than needed", cordon(), []int{alice, bob}, "accepted"},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, newRig(t).judge(c.ev, c.who...), c.want) })
	}
}

func TestOperator035_AThresholdOfNothingIsOne(t *testing.T) {
	r := newRig(t, func(r *rig) { r.opts.Policy.Ordinary = 0 })
	want(t, r.judge(cordon()), rules.KindInsufficient)
	want(t, r.judge(cordon(), alice), "accepted")
}

func TestB20_WithoutOperatorsEverythingIsUnverified(t *testing.T) {
	r := newRig(t, func(r *rig) { r.opts.Signers = "" })
	got := r.judge(freeze(), eve)
	want(t, got, "unverified")
	if diff := cmp.Diff([]mesh.Operator{{KeyID: fingerprint(t, eve)}}, got.Operators); diff != "" {
		t.Errorf("claimed, not proven: -want +got:\n%s", diff)
	}
	bare := &meshosv1.AdminCommand{Event: wire.AdminToProto(cordon())}
	want(t, r.Judge("api", r.sign(bare)), "unverified")
	want(t, r.Judge("api", r.sign(bare)), "unverified")
	want(t, r.Judge("api", wire.Signed{Payload: []byte("\xff")}), mesh.RejectMalformed)
}

func TestOperator154_B20_BreakGlassNeedsTheRulesOfABundleInAnyEnvelope(t *testing.T) {
	for _, ev := range []mesh.AdminEvent{
		freeze(),
		mesh.ThawCluster{},
		mesh.FlushAvoidLists{Global: true},
		mesh.ForceEvictReplica{Chain: 1, Victim: 2},
		mesh.ForceRestartDaemon{Daemon: mesh.DaemonRef{ID: 1}},
		mesh.ForceCutover{Chain: 1, Target: 2},
		mesh.KillMigration{Migration: 7},
	} {
		r := newRig(t)
		c := r.command(ev)
		hash := c.BlastHash
		c.BlastHash = nil
		want(t, r.Judge("api", r.sign(c, alice, bob)), rules.KindRequiresBundle)
		c.BlastHash = make([]byte, rules.HashSize)
		want(t, r.Judge("api", r.sign(c, alice, bob)), rules.KindSimulation)
		c.BlastHash = hash
		want(t, r.Judge("api", r.sign(c, alice, bob)), "accepted")
	}
}

func TestB23_ABreakGlassCommandNamesItsOwnSimulation(t *testing.T) {
	r := newRig(t)
	c := r.command(freeze())
	c.BlastHash = append(make([]byte, rules.HashSize-1), 1)
	want(t, r.Judge("api", r.sign(c, alice, bob)), rules.KindMismatch)
	c.BlastHash = r.command(mesh.ThawCluster{}).GetBlastHash()
	want(t, r.Judge("api", r.sign(c, alice, bob)), rules.KindMismatch)

	c = r.command(freeze())
	r.restart()
	want(t, r.Judge("api", r.sign(c, alice, bob)), rules.KindMismatch)

	for late, kind := range map[time.Duration]string{5 * time.Minute: "accepted", 5*time.Minute + time.Millisecond: rules.KindMismatch} {
		r := newRig(t)
		c := r.command(freeze())
		r.after(late)
		c.IssuedAt = timestamppb.New(r.now)
		want(t, r.Judge("api", r.sign(c, alice, bob)), kind)
	}
}

func TestOperator040_041_151_Freshness(t *testing.T) {
	for age, kind := range map[time.Duration]string{
		5 * time.Minute:                    "accepted",
		5*time.Minute + time.Millisecond:   rules.KindExpired,
		5*time.Minute + time.Millisecond/2: "accepted", // whole milliseconds count
		-30 * time.Second:                  "accepted",
		-30*time.Second - time.Millisecond: rules.KindFuture,
		24 * 365 * 250 * time.Hour:         rules.KindExpired,
		-24 * 365 * 250 * time.Hour:        rules.KindFuture,
	} {
		r := newRig(t)
		c := r.command(cordon())
		c.IssuedAt = timestamppb.New(begin())
		r.after(age)
		want(t, r.Judge("api", r.sign(c, alice)), kind)
	}
}

func TestB22_OnceHereAndNow(t *testing.T) {
	r := newRig(t)
	c := r.command(cordon())
	c.ClusterId = "d"
	want(t, r.Judge("api", r.sign(c, alice)), rules.KindWrongCluster)
	c.ClusterId = "c"
	signed := r.sign(c, alice)
	want(t, r.Judge("api", signed), "accepted")
	want(t, r.Judge("api", signed), rules.KindReplayed)
	c.Event = wire.AdminToProto(mesh.Cordon{Node: 43})
	want(t, r.Judge("api", r.sign(c, bob)), rules.KindReplayed)
	r.restart()
	want(t, r.Judge("plugins", signed), rules.KindReplayed)
}

func TestARejectedCommandUsesNothingUp(t *testing.T) {
	r := newRig(t)
	c := r.command(freeze())
	want(t, r.Judge("api", r.sign(c, alice)), rules.KindInsufficient)
	want(t, r.Judge("api", r.sign(c, alice, bob)), "accepted")
}

func TestOperator044_046_047_ASignatureIsForItsPayloadAndNamespace(t *testing.T) {
	r := newRig(t)
	good := r.sign(r.command(cordon()), alice)
	flipped := wire.Signed{Payload: good.Payload, Signatures: [][]byte{bytes.Clone(good.Signatures[0])}}
	flipped.Signatures[0][len(flipped.Signatures[0])-1] ^= 1
	want(t, r.Judge("api", flipped), rules.KindSignature)

	short, long := r.command(mesh.FreezeCluster{TTL: 10 * time.Second}), r.command(freeze())
	moved := r.sign(long)
	moved.Signatures = r.sign(short, alice, bob).Signatures
	got := r.Judge("api", moved)
	want(t, got, rules.KindSignature)
	for _, o := range got.Operators {
		if o.Verified {
			t.Errorf("%+v is proven by a signature of something else", o)
		}
	}

	elsewhere := r.sign(r.command(mesh.ThawCluster{}))
	raw, err := sshsig.Sign(keyOf(t, alice), "git", elsewhere.Payload)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.Signatures = [][]byte{raw}
	want(t, r.Judge("api", elsewhere), rules.KindSignature)
	elsewhere.Signatures = [][]byte{[]byte("junk")}
	want(t, r.Judge("api", elsewhere), rules.KindSignature)
}

func TestOperator152_TooManySignaturesAreNotVerified(t *testing.T) {
	r := newRig(t)
	signed := r.sign(r.command(cordon()), alice)
	for len(signed.Signatures) < 65 {
		signed.Signatures = append(signed.Signatures, signed.Signatures[0])
	}
	got := r.Judge("api", signed)
	want(t, got, rules.KindTooMany)
	if len(got.Operators) > 64 {
		t.Errorf("%d operators are audited", len(got.Operators))
	}
	signed.Signatures = signed.Signatures[:64]
	want(t, r.Judge("api", signed), "accepted")
}

func TestOperator152_AThresholdAboveTheCapCanBeMet(t *testing.T) {
	t.Parallel()
	const operators = 66
	var who []int
	r := newRig(t, func(r *rig) {
		r.opts.Policy.BreakGlass = operators
		text := ""
		for i := range operators {
			who = append(who, eve+1+i)
			text += line(t, fmt.Sprintf("p%d", i), eve+1+i)
		}
		r.signers(text)
	})
	want(t, r.judge(freeze(), append(who, who[0])...), rules.KindTooMany)
	want(t, r.judge(freeze(), who[1:]...), rules.KindInsufficient)
	got := r.judge(freeze(), who...)
	want(t, got, "accepted")
	if len(got.Operators) != operators {
		t.Errorf("%d operators are named", len(got.Operators))
	}
}

func TestWhatIsMalformed(t *testing.T) {
	r := newRig(t)
	for name, change := range map[string]func(*meshosv1.AdminCommand){
		"no event": func(c *meshosv1.AdminCommand) { c.Event = nil },
		"an unknown event": func(c *meshosv1.AdminCommand) {
			c.Event.ProtoReflect().SetUnknown([]byte{0xa2, 0x06, 0})
			c.Event.Kind = nil
		},
		"unknown fields":      func(c *meshosv1.AdminCommand) { c.ProtoReflect().SetUnknown([]byte{0xa2, 0x06, 0}) },
		"unknown, further in": func(c *meshosv1.AdminCommand) { c.Event.GetCordon().ProtoReflect().SetUnknown([]byte{0xa2, 0x06, 0}) },
		"node 0":              func(c *meshosv1.AdminCommand) { c.Event.GetCordon().Node = 0 },
		"short nonce":         func(c *meshosv1.AdminCommand) { c.Nonce = c.Nonce[1:] },
		"no nonce":            func(c *meshosv1.AdminCommand) { c.Nonce = nil },
		"no time":             func(c *meshosv1.AdminCommand) { c.IssuedAt = nil },
		"no such time":        func(c *meshosv1.AdminCommand) { c.IssuedAt.Nanos = -1 },
		"hash of a cordon":    func(c *meshosv1.AdminCommand) { c.BlastHash = make([]byte, 32) },
		"half a hash":         func(c *meshosv1.AdminCommand) { c.Event = wire.AdminToProto(freeze()); c.BlastHash = make([]byte, 16) },
		"Operator157 freeze for 0": func(c *meshosv1.AdminCommand) {
			c.Event = &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_FreezeCluster{FreezeCluster: &meshosv1.FreezeCluster{}}}
		},
		"freeze over a day": func(c *meshosv1.AdminCommand) {
			c.Event = &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_FreezeCluster{FreezeCluster: &meshosv1.FreezeCluster{
				Ttl: durationpb.New(24*time.Hour + 1),
			}}}
		},
	} {
		c := r.command(cordon())
		change(c)
		got := r.Judge("api", r.sign(c, alice, bob))
		if want(t, got, mesh.RejectMalformed); t.Failed() {
			t.Fatal(name)
		}
		if len(got.CommitID) != rules.HashSize || len(got.Operators) != 2 {
			t.Errorf("%s: audited as %+v, want the id and who claims to have signed", name, got)
		}
	}
	want(t, r.Judge("api", wire.Signed{}), mesh.RejectMalformed)
	want(t, r.Judge("api", wire.Signed{Payload: make([]byte, rules.MaxPayload+1)}), mesh.RejectMalformed)
}

// TestTheOrderOfTheChecks takes one fault after the other away from a command that
// has them all.
func TestTheOrderOfTheChecks(t *testing.T) {
	r := newRig(t)
	used := r.command(freeze())
	want(t, r.Judge("api", r.sign(used, alice, bob)), "accepted") // arms the cooldown, too
	c := r.command(freeze())
	hash, nonce := c.BlastHash, c.Nonce
	c.Nonce, c.BlastHash, c.ClusterId, c.IssuedAt = used.Nonce[1:], nil, "d", timestamppb.New(begin().Add(time.Hour))
	who := make([]int, 0, 65)
	for range 65 {
		who = append(who, eve)
	}
	junk := wire.Signed{Signatures: [][]byte{[]byte("junk"), []byte("junk")}}
	judge := func(signatures ...[]byte) mesh.JudgedCommit {
		signed := r.sign(c)
		signed.Signatures = signatures
		return r.Judge("api", signed)
	}
	all := r.sign(c, who...).Signatures
	for _, step := range []struct {
		kind string
		heal func()
	}{
		{mesh.RejectMalformed, func() { c.Nonce = used.Nonce }},
		{rules.KindRequiresBundle, func() { c.BlastHash = make([]byte, 32) }},
		{rules.KindSimulation, func() { c.BlastHash = append(make([]byte, 31), 1) }},
		{rules.KindWrongCluster, func() { c.ClusterId = "c" }},
		{rules.KindFuture, func() { c.IssuedAt = timestamppb.New(begin().Add(-time.Hour)) }},
		{rules.KindExpired, func() { c.IssuedAt = timestamppb.New(begin()) }},
		{rules.KindReplayed, func() { c.Nonce = nonce }},
		{rules.KindMismatch, func() { c.BlastHash = hash }},
		{rules.KindTooMany, func() { all = all[:1] }},
		{rules.KindInsufficient, func() { all = junk.Signatures }},
		{rules.KindSignature, func() { all = r.sign(c, eve, eve).Signatures }},
		{rules.KindNotAuthorized, func() { all = r.sign(c, alice, alice2).Signatures }},
		{rules.KindInsufficient, func() { all = r.sign(c, alice, bob).Signatures }},
		{rules.KindCooldown, func() { r.after(5 * time.Minute) }},
		{"accepted", func() {}},
	} {
		want(t, judge(all...), step.kind)
		step.heal()
	}
}

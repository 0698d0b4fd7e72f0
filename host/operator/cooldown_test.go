package operator_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/snapshot"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

func TestOperator052_158_ACooldownEndsToTheMillisecond(t *testing.T) {
	t.Parallel()
	const cooldown = 5 * time.Minute
	for after, kind := range map[time.Duration]string{
		0:                           rules.KindCooldown,
		cooldown - time.Millisecond: rules.KindCooldown,
		cooldown:                    "accepted",
		cooldown + time.Minute:      "accepted",
		-time.Hour:                  rules.KindCooldown, // the clock stepped back
	} {
		r := newRig(t)
		want(t, r.judge(freeze(), alice, bob), "accepted")
		r.after(after)
		want(t, r.judge(freeze(), alice, bob), kind)
		r = newRig(t)
		want(t, r.judge(freeze(), alice, bob), "accepted")
		r.restart()
		r.after(after)
		want(t, r.judge(freeze(), alice, bob), kind) // B22
	}
}

func TestOperator158_AClockSetBackMakesNoCooldownLonger(t *testing.T) {
	r := newRig(t)
	want(t, r.judge(freeze(), alice, bob), "accepted")
	want(t, r.after(-time.Hour).judge(freeze(), alice, bob), rules.KindCooldown)
	want(t, r.after(-time.Hour+5*time.Minute-time.Millisecond).judge(freeze(), alice, bob), rules.KindCooldown)
	want(t, r.after(-time.Hour+5*time.Minute).judge(freeze(), alice, bob), "accepted")
}

func TestOperator053_CooldownsAreOnTheirTargets(t *testing.T) {
	t.Parallel()
	freezes := []mesh.AdminEvent{freeze(), mesh.FreezeCluster{TTL: time.Hour}}
	cluster := []mesh.AdminEvent{
		mesh.FlushAvoidLists{Global: true}, mesh.ForceRestartDaemon{Daemon: mesh.DaemonRef{ID: 1}}, mesh.KillMigration{Migration: 7},
	}
	node42 := []mesh.AdminEvent{
		mesh.FlushAvoidLists{Local: 42},
		mesh.FlushAvoidLists{OnPeer: 42},
		mesh.ForceEvictReplica{Chain: 1, Victim: 42},
		mesh.ForceCutover{Chain: 1, Target: 42},
	}
	node99 := []mesh.AdminEvent{mesh.ForceCutover{Chain: 2, Target: 99}, mesh.ForceEvictReplica{Chain: 42, Victim: 99}}
	groups := [][]mesh.AdminEvent{freezes, cluster, node42, node99}
	for i, group := range groups {
		for _, armed := range group {
			r := newRig(t)
			want(t, r.judge(armed, alice, bob), "accepted")
			for j, others := range groups {
				kind := rules.KindCooldown
				if i != j {
					kind = "accepted"
				}
				want(t, r.judge(others[len(others)-1], alice, bob), kind)
			}
			want(t, r.judge(mesh.ThawCluster{}, alice), "accepted")
			want(t, r.judge(mesh.ThawCluster{}, alice), "accepted")
			want(t, r.judge(cordon(), alice), "accepted")
		}
	}
}

func TestRejectedCommandsArmNoCooldown(t *testing.T) {
	r := newRig(t)
	want(t, r.judge(freeze(), alice), rules.KindInsufficient)
	want(t, r.judge(freeze(), alice, bob), "accepted")
}

func TestACooldownSaysUntilWhenAndForWhom(t *testing.T) {
	r := newRig(t)
	want(t, r.judge(mesh.ForceCutover{Chain: 1, Target: 42}, alice, bob), "accepted")
	got := r.after(time.Minute).judge(mesh.ForceEvictReplica{Chain: 1, Victim: 42}, alice, bob)
	if m := got.Outcome.Message; !strings.Contains(m, "on node 42") || !strings.Contains(m, "2026-03-01T12:05:00.000Z") || !strings.Contains(m, "another 4m0s") {
		t.Errorf("it says %q", m)
	}
	got = r.judge(mesh.ForceEvictReplica{Chain: 1, Victim: 42}, alice, eve)
	want(t, got, rules.KindNotAuthorized) // W-15: the verdict on somebody else's signature is about that
}

// Whoever simulates a command learns what it would have to wait for, before two people sign.
func TestASimulationTellsOfTheCooldown(t *testing.T) {
	evict := mesh.ForceEvictReplica{Chain: 1, Victim: 42}
	r := newRig(t)
	preview := func(ev mesh.AdminEvent) *hostv1.SimulateResponse {
		t.Helper()
		got, err := r.Preview(&snapshot.Snapshot{Node: 1}, ev)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := preview(evict)
	if before.Cooldown != nil || before.GetSignatures() != 2 || preview(mesh.ThawCluster{}).GetSignatures() != 1 {
		t.Errorf("before: %v", before)
	}
	want(t, r.judge(mesh.ForceCutover{Chain: 1, Target: 42}, alice, bob), "accepted")
	r.after(time.Minute)
	got := preview(evict)
	if c := got.GetCooldown(); c.GetOf() != "break-glass commands on node 42" || c.GetLeft().AsDuration() != 4*time.Minute ||
		!c.GetUntil().AsTime().Equal(begin().Add(5*time.Minute)) {
		t.Errorf("got %v", c)
	}
	if !bytes.Equal(got.GetBlastHash(), before.GetBlastHash()) {
		t.Error("the cooldown is part of what is signed")
	}
	for _, ev := range []mesh.AdminEvent{freeze(), mesh.ThawCluster{}, mesh.FlushAvoidLists{Global: true}} {
		if got := preview(ev); got.Cooldown != nil {
			t.Errorf("%s: %v", ev.Kind(), got.GetCooldown())
		}
	}
	want(t, r.judge(freeze(), alice, bob), "accepted")
	if got := preview(freeze()).GetCooldown(); got.GetOf() != "freezes" {
		t.Errorf("got %v", got)
	}
	if got := preview(mesh.ThawCluster{}).GetCooldown(); got != nil {
		t.Errorf("a thaw never has to wait: %v", got)
	}
	r.restart()
	if preview(freeze()).Cooldown == nil || preview(mesh.KillMigration{Migration: 1}).Cooldown != nil {
		t.Error("after a restart it is another one")
	}
	r.after(10 * time.Minute)
	if got := preview(freeze()); got.Cooldown != nil {
		t.Errorf("it is over: %v", got)
	}
}

func TestACooldownIsArmedInOneStepWithTheAcceptance(t *testing.T) {
	r := newRig(t)
	var all sync.WaitGroup
	verdicts := make(chan mesh.Verdict, 20)
	for range cap(verdicts) {
		signed := r.sign(r.command(freeze()), alice, bob)
		all.Go(func() { verdicts <- r.Judge("api", signed).Outcome.Verdict })
	}
	all.Wait()
	close(verdicts)
	accepted := 0
	for v := range verdicts {
		if v == mesh.VerdictAccepted {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("%d of %d at once were accepted, want one", accepted, cap(verdicts))
	}
}

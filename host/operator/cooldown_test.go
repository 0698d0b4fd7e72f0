package operator_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator"
)

func TestOperator052_158_ACooldownEndsToTheMillisecond(t *testing.T) {
	const cooldown = 5 * time.Minute
	for after, kind := range map[time.Duration]string{
		0:                           operator.KindCooldown,
		cooldown - time.Millisecond: operator.KindCooldown,
		cooldown:                    "accepted",
		cooldown + time.Minute:      "accepted",
		-time.Hour:                  operator.KindCooldown, // the clock stepped back
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
	want(t, r.after(-time.Hour).judge(freeze(), alice, bob), operator.KindCooldown)
	want(t, r.after(-time.Hour+5*time.Minute-time.Millisecond).judge(freeze(), alice, bob), operator.KindCooldown)
	want(t, r.after(-time.Hour+5*time.Minute).judge(freeze(), alice, bob), "accepted")
}

func TestOperator053_CooldownsAreOnTheirTargets(t *testing.T) {
	cluster := []mesh.AdminEvent{
		freeze(), mesh.FlushAvoidLists{Global: true}, mesh.ForceRestartDaemon{Daemon: mesh.DaemonRef{ID: 1}}, mesh.KillMigration{Migration: 7},
	}
	node42 := []mesh.AdminEvent{
		mesh.FlushAvoidLists{Local: 42},
		mesh.FlushAvoidLists{OnPeer: 42},
		mesh.ForceEvictReplica{Chain: 1, Victim: 42},
		mesh.ForceCutover{Chain: 1, Target: 42},
	}
	node99 := []mesh.AdminEvent{mesh.ForceCutover{Chain: 2, Target: 99}, mesh.ForceEvictReplica{Chain: 42, Victim: 99}}
	for i, group := range [][]mesh.AdminEvent{cluster, node42, node99} {
		for _, armed := range group {
			r := newRig(t)
			want(t, r.judge(armed, alice, bob), "accepted")
			for j, others := range [][]mesh.AdminEvent{cluster, node42, node99} {
				kind := operator.KindCooldown
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
	want(t, r.judge(freeze(), alice), operator.KindInsufficient)
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
	want(t, got, operator.KindNotAuthorized) // W-15: only operators learn of it
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

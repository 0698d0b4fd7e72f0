package admission

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
)

func TestADM09_WhatIsOverIsForgotten(t *testing.T) {
	g := New(Policy{Stabilization: 10 * time.Second, DrainRate: 10})
	g.CloseDaemon(7, mesh.Time(10*time.Second), 0)
	g.Decide(mesh.Emitted{ID: 1, Action: mesh.DropReplica{Chain: 1}}, 0)
	g.Decide(mesh.Emitted{ID: 2, Action: mesh.MigrateBlob{Blob: 1}}, 0)
	if len(g.daemons) != 1 || len(g.chains.settling) != 1 || len(g.drain.sent) != 1 {
		t.Fatalf("before: %+v", g)
	}
	g.expire(mesh.Time(20 * time.Second))
	if len(g.daemons) != 0 || len(g.chains.settling) != 0 || len(g.chains.byEnd) != 0 || len(g.drain.sent) != 0 {
		t.Errorf("after: %+v", g)
	}
}

func TestADM17_ABlobRolledBackLeavesTheWindowEmpty(t *testing.T) {
	g := New(Policy{DrainRate: 10})
	e := mesh.Emitted{ID: 1, Action: mesh.MigrateBlob{Blob: 1}}
	g.Decide(e, 0)
	g.RollBack(e)
	if len(g.drain.sent) != 0 {
		t.Errorf("window: %+v", g.drain.sent)
	}
}

// Whatever happens, no two actions that were not rolled back are admitted for one chain
// within its window, nor two pulls within the cooldown, and nothing is kept that is
// over.
func TestGatesKeepTheirWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{PullCooldown: 250 * time.Millisecond, Stabilization: 2 * time.Second, DrainRate: 3}
		g := New(p)
		type taken struct {
			e  mesh.Emitted
			at mesh.Time
		}
		var admitted []taken
		var now mesh.Time
		for i := range rapid.IntRange(1, 80).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "ms")) * time.Millisecond)
			if len(admitted) > 0 && rapid.IntRange(0, 4).Draw(t, "roll back") == 0 {
				at := rapid.IntRange(0, len(admitted)-1).Draw(t, "which")
				g.RollBack(admitted[at].e)
				admitted = append(admitted[:at], admitted[at+1:]...)
				continue
			}
			chain := mesh.ChainID(rapid.IntRange(1, 3).Draw(t, "chain"))
			e := mesh.Emitted{ID: mesh.ActionID(i + 1)}
			e.Action = rapid.SampledFrom([]mesh.Action{
				mesh.PullReplica{Chain: chain}, mesh.DropReplica{Chain: chain}, mesh.MigrateBlob{Blob: mesh.BlobID(chain)},
			}).Draw(t, "action")
			if d := g.Decide(e, now); d.Verdict != Admit {
				if d.After <= 0 {
					t.Fatalf("%v deferred for %v", e.Action, d.After)
				}
				continue
			}
			sent := 0
			for _, b := range admitted {
				since := now.Sub(b.at)
				if chainOf(e) != 0 && chainOf(e) == chainOf(b.e) && since < p.Stabilization {
					t.Fatalf("%v %v after %v", e.Action, since, b.e.Action)
				}
				if e.Action.Kind() == mesh.KindPullReplica && b.e.Action.Kind() == mesh.KindPullReplica &&
					since < p.PullCooldown {
					t.Fatalf("pull %v after the one before", since)
				}
				if b.e.Action.Kind() == mesh.KindMigrateBlob && since < time.Second {
					sent++
				}
			}
			if e.Action.Kind() == mesh.KindMigrateBlob && sent >= p.DrainRate {
				t.Fatalf("%d blobs within a second", sent+1)
			}
			admitted = append(admitted, taken{e, now})
		}
		g.expire(now.Add(time.Hour))
		if len(g.chains.settling)+len(g.chains.byEnd)+len(g.drain.sent) != 0 {
			t.Fatalf("kept: %+v", g)
		}
	})
}

func chainOf(e mesh.Emitted) mesh.ChainID {
	switch a := e.Action.(type) {
	case mesh.PullReplica:
		return a.Chain
	case mesh.DropReplica:
		return a.Chain
	}
	return 0
}

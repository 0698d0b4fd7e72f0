package reconcile_test

import (
	"math"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// score is a node with its score.
type score struct {
	node  mesh.NodeID
	value float32
}

// scores folds a table with chain 7 only.
func (w *world) scores(alternative *score, cost *mesh.MigrationCost, holders ...score) *world {
	c := mesh.ChainScore{Chain: 7, Cost: cost}
	for _, h := range holders {
		c.Holders = append(c.Holders, mesh.NodeScore{Node: h.node, Score: h.value})
	}
	if alternative != nil {
		c.Best = &mesh.NodeScore{Node: alternative.node, Score: alternative.value}
	}
	w.s.Apply(stamp(w.at), mesh.Scores{ViewVersion: w.s.Passes(), Chains: []mesh.ChainScore{c}})
	return w
}

// placed returns a world after one pass, with chain 7 led here and held by 1 and 2.
func placed(t *testing.T, change ...func(*state.Boot)) *world {
	w := newWorld(t, change...).chain(7, 2, 1, 2)
	w.expect(0)
	return w.to(0.1)
}

func disruption(d time.Duration) *mesh.MigrationCost {
	return &mesh.MigrationCost{Disruption: d, Reliability: 1}
}

var nan = float32(math.NaN())

func TestB10a_WhenAMoveBegins(t *testing.T) {
	const place9 = "place 7 on 9 not on 1,2,100"
	cases := []struct {
		name    string
		alt     *score
		cost    *mesh.MigrationCost
		holders []score
		want    []string
	}{
		{"Core215 a bad holder and a clearly better node", &score{9, 0.9}, nil, []score{{1, 0.3}, {2, 0.8}}, []string{place9}},
		{"Core214 above the floor", &score{9, 0.95}, nil, []score{{1, 0.9}, {2, 0.8}}, nil},
		{"Core217 the gain is under the gap", &score{9, 0.4}, nil, []score{{1, 0.3}, {2, 0.8}}, nil},
		{"Core235 the gain is exactly the gap", &score{9, 0.5}, nil, []score{{1, 0.3}, {2, 0.8}}, nil},
		{"Core236 exactly at the floor", &score{9, 0.9}, nil, []score{{1, 0.5}, {2, 0.8}}, nil},
		{"DEC04 no alternative", nil, nil, []score{{1, 0.3}, {2, 0.8}}, nil},
		{"Core224 NaN is not a score", &score{9, 0.9}, nil, []score{{1, nan}, {2, 0.3}}, []string{place9}},
		{"DEC13 no holder has a score", &score{9, 0.9}, nil, []score{{1, nan}, {2, nan}}, nil},
		{"G01 an alternative that is NaN", &score{9, nan}, nil, []score{{1, 0.3}, {2, 0.8}}, nil},
		{"Core226 dearer than its gain", &score{9, 0.9}, disruption(100 * time.Second), []score{{1, 0.3}, {2, 0.8}}, nil},
		{"Core227 cheap", &score{9, 0.9}, disruption(100 * time.Millisecond), []score{{1, 0.3}, {2, 0.8}}, []string{place9}},
		{"DEC16 5 s of disruption", &score{9, 0.9}, disruption(5 * time.Second), []score{{1, 0.3}, {2, 0.8}}, []string{place9}},
		{"DEC16 6 s of disruption", &score{9, 0.9}, disruption(6 * time.Second), []score{{1, 0.3}, {2, 0.8}}, nil},
		{"Core257 a weight of 0 counts as 1", &score{9, 0.9}, &mesh.MigrationCost{Disruption: 7 * time.Second}, []score{{1, 0.3}, {2, 0.8}}, nil},
		{"B10 scores are brought into 0 to 1", &score{9, 7}, nil, []score{{1, -3}, {2, 0.8}}, []string{place9}},
		{"an alternative that holds the chain", &score{2, 0.9}, nil, []score{{1, 0.3}, {2, 0.9}}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			placed(t).scores(c.alt, c.cost, c.holders...).expect(1, c.want...)
		})
	}
}

func TestB10a_WhatKeepsAMoveBack(t *testing.T) {
	bad := func(w *world) *world { return w.scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.8}) }
	cases := []struct {
		name string
		make func(*world)
	}{
		{"Core218 led elsewhere", func(w *world) { bad(w).hear(leader(7, 5)) }},
		{"B9 a cordoned alternative", func(w *world) { bad(w).admin(mesh.Cordon{Node: 9}) }},
		{"B9 an unreachable one", func(w *world) { bad(w).hear(health(9, unreachable)) }},
		{"B9 one in maintenance", func(w *world) { bad(w).admin(mesh.EnterMaintenance{Node: 9}) }},
		{"B10 holders changed since the view", func(w *world) { bad(w).hear(added(7, 3)...).hear(gone(7, 3)) }},
		{"freeze", func(w *world) { bad(w).admin(mesh.FreezeCluster{TTL: time.Minute}) }},
		{"invalidated placement", func(w *world) { bad(w).admin(mesh.InvalidatePlacement{Node: 1}) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := placed(t)
			c.make(w)
			w.expect(1)
		})
	}
	t.Run("Core241 fewer live holders than desired", func(t *testing.T) {
		w := placed(t).hear(desired(7, 3))
		bad(w).expect(1, "place 7 not on 1,2,100")
	})
	t.Run("B10 a table older than two decision intervals", func(t *testing.T) {
		w := bad(placed(t))
		w.expect(60.2)
		w = bad(placed(t))
		w.expect(60.1, "place 7 on 9 not on 1,2,100")
	})
	t.Run("the leader is never the worst", func(t *testing.T) {
		w := newWorld(t).chain(7, 2, this, 2)
		w.expect(0)
		w.to(0.1).scores(&score{9, 0.9}, nil, score{this, 0.1}, score{2, 0.8}).expect(1)
	})
	t.Run("Core238 the second worst is not looked for", func(t *testing.T) {
		placed(t).scores(&score{9, 0.55}, nil, score{1, 0.4}, score{2, 0.45}).expect(1)
	})
}

func TestB10a_AMoveFromBeginningToEnd(t *testing.T) {
	w := placed(t).scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.8})
	w.succeed(w.expect(1, "place 7 on 9 not on 1,2,100")...)
	w.expect(2)
	w.expect(6.1, "place 7 on 9 not on 1,2,100") // asked again, as it does not hold it yet
	w.to(7).hear(added(7, 9)...)
	w.succeed(w.expect(8, "evict 7 from 1")...)
	w.to(9).hear(gone(7, 1))
	w.expect(10)
	if _, moving := w.s.Rebalancing(7); moving {
		t.Error("the move is over")
	}
	// Core220: the cooldown began again with the eviction, at 8 s.
	w.to(300).scores(&score{4, 0.9}, nil, score{9, 0.1}, score{2, 0.8})
	w.expect(307.9)
	w.expect(308, "place 7 on 4 not on 2,9,100")
}

func TestB10a_TheCountArmLeavesAMoveAlone(t *testing.T) {
	w := placed(t).scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.8})
	w.succeed(w.expect(1, "place 7 on 9 not on 1,2,100")...)
	w.to(2).hear(added(7, 9, 11)...) // four, and two are desired
	w.succeed(w.expect(3, "evict 7 from 1")...)
	w.to(4).hear(gone(7, 1))
	w.expect(9, "evict 7 from 11")

	w = placed(t).scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.8})
	w.fail(w.expect(1, "place 7 on 9 not on 1,2,100")...)
	w.hear(desired(7, 3))
	w.expect(3, "place 7 not on 1,2,100") // below the desired number it refills
}

func TestB10a_AMoveIsGivenUp(t *testing.T) {
	begin := func(t *testing.T) *world {
		w := placed(t).scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.8})
		w.succeed(w.expect(1, "place 7 on 9 not on 1,2,100")...)
		return w
	}
	t.Run("after 10 min", func(t *testing.T) {
		w := begin(t)
		w.expect(600.9, "place 7 on 9 not on 1,2,100")
		w.s.Apply(stamp(sec(600.9)), mesh.Outcome{ID: 2, OK: true, Final: true})
		w.expect(610)
	})
	t.Run("when the target is not allowed any more", func(t *testing.T) {
		w := begin(t).admin(mesh.Cordon{Node: 9})
		w.expect(10)
		if _, moving := w.s.Rebalancing(7); moving {
			t.Error("still moving")
		}
	})
	t.Run("also when it holds the chain already", func(t *testing.T) {
		w := begin(t).hear(added(7, 9)...).admin(mesh.Cordon{Node: 9})
		w.expect(10, "evict 7 from 9") // one too many, and not who was to go
		if _, moving := w.s.Rebalancing(7); moving {
			t.Error("still moving")
		}
	})
	t.Run("when another node leads", func(t *testing.T) {
		w := begin(t).hear(leader(7, 5))
		w.expect(10)
		if _, moving := w.s.Rebalancing(7); moving {
			t.Error("still moving")
		}
	})
}

func TestIMP03_TiesForTheWorstGoByTheHighestID(t *testing.T) {
	w := placed(t).scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.3})
	w.pass(1)
	if move, ok := w.s.Rebalancing(7); !ok || move.Worst != 2 {
		t.Errorf("%+v %v", move, ok)
	}
}

func TestB3_AMoveThatFoundNoRoomHasNotBegun(t *testing.T) {
	w := placed(t).scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.8})
	w.passWithRoom(1, 0)
	if _, moving := w.s.Rebalancing(7); moving || w.s.InCooldown(7) {
		t.Error("a move that was not handed out must not count")
	}
	w.expect(2, "place 7 on 9 not on 1,2,100")
}

func TestIMP02_ACooldownThatEndsNowIsOver(t *testing.T) {
	w := placed(t).admin(mesh.ForceEvictReplica{Chain: 7, Victim: 77})
	w.expect(1, "evict 7 from 77")
	w.to(299).scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.8})
	w.expect(300.9)
	w.expect(301, "place 7 on 9 not on 1,2,100")
}

func TestB8_ThePoorestScoreGoesFirst(t *testing.T) {
	w := newWorld(t).chain(7, 2, 1, 2, 3)
	w.s.Tick(stamp(sec(0)))
	w.scores(nil, nil, score{1, 0.9}, score{2, 0.4}, score{3, 0.9})
	w.expect(1, "evict 7 from 2")
}

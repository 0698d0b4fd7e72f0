package reconcile_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// scoredChain returns the scores of one chain.
func scoredChain(id mesh.ChainID, alternative score, holders ...score) mesh.ChainScore {
	c := mesh.ChainScore{Chain: id, Best: &mesh.NodeScore{Node: alternative.node, Score: alternative.value}}
	for _, h := range holders {
		c.Holders = append(c.Holders, mesh.NodeScore{Node: h.node, Score: h.value})
	}
	return c
}

func (w *world) table(chains ...mesh.ChainScore) *world {
	w.s.Apply(stamp(w.at), mesh.Scores{ViewVersion: w.s.Passes(), Chains: chains})
	return w
}

func TestDEC01_WithoutScoresNothingMoves(t *testing.T) {
	placed(t).expect(1)
}

// The first move ends at 8 s; 307 s later is a minute and more than five.
func TestDEC07_Core220_DEC10_ACooldownKeepsAMoveBack(t *testing.T) {
	w := placed(t).scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.8})
	w.succeed(w.expect(1, "place 7 on 9 not on 1,2,100")...)
	w.expect(1.1) // DEC10
	w.to(7).hear(added(7, 9)...)
	w.succeed(w.expect(8, "evict 7 from 1")...)
	w.to(9).hear(gone(7, 1))
	w.expect(10)
	again := func(at float64) { w.to(at).scores(&score{4, 0.9}, nil, score{9, 0.1}, score{2, 0.8}) }
	again(67)
	w.expect(68)
	again(367)
	w.expect(368, "place 7 on 4 not on 2,9,100")
}

func TestCore221_TooManyAndPoorScoresAreOneEviction(t *testing.T) {
	w := newWorld(t).chain(7, 2, 1, 2, 3)
	w.s.Tick(stamp(sec(0)))
	w.scores(&score{9, 0.9}, nil, score{1, 0.1}, score{2, 0.2}, score{3, 0.3}).expect(1, "evict 7 from 1")
}

func TestCore223_TheWorstHolderMoves(t *testing.T) {
	w := newWorld(t).chain(7, 3, 1, 2, 3)
	w.expect(0)
	w.to(0.1).scores(&score{9, 0.95}, nil, score{1, 0.6}, score{2, 0.3}, score{3, 0.7})
	w.expect(1, "place 7 on 9 not on 1,2,3,100")
	if move, ok := w.s.Rebalancing(7); !ok || move.Worst != 2 {
		t.Errorf("the move is %+v, %v; want away from 2", move, ok)
	}
}

// The first chain has one bad holder, the second one none: its good scores stay its
// own, though the holders are the same.
func TestCore230_ScoresOfAChainAreItsOwn(t *testing.T) {
	w := newWorld(t).chain(7, 2, 1, 2).chain(8, 2, 1, 2)
	w.expect(0)
	w.to(0.1).table(
		scoredChain(7, score{9, 0.9}, score{1, 0.3}, score{2, 0.8}),
		scoredChain(8, score{9, 0.9}, score{1, 0.7}, score{2, 0.8}))
	w.expect(1, "place 7 on 9 not on 1,2,100")
}

func TestCore231_B10_ATableIsAsGoodAsItsView(t *testing.T) {
	bad := []score{{1, 0.3}, {2, 0.8}}
	w := placed(t).scores(&score{9, 0.9}, nil, bad...)
	w.to(0.5).scores(&score{9, 0.9}, nil, score{1, 0.7}, score{2, 0.8})
	w.expect(1) // the holder recovered, and the newer table shows it
	w.to(2).scores(&score{9, 0.9}, nil, bad...)
	w.expect(3, "place 7 on 9 not on 1,2,100")
}

func TestCore232_B10_AnUnchangedTableHolds(t *testing.T) {
	w := placed(t).scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.8})
	w.expect(29, "place 7 on 9 not on 1,2,100")
}

func TestCore233_MovesComeInTheOrderOfChains(t *testing.T) {
	w := newWorld(t).chain(8, 2, 1, 2).chain(7, 2, 1, 2)
	w.expect(0)
	w.to(0.1).table(
		scoredChain(8, score{9, 0.9}, score{1, 0.3}, score{2, 0.8}),
		scoredChain(7, score{9, 0.9}, score{1, 0.3}, score{2, 0.8}))
	w.expect(1, "place 7 on 9 not on 1,2,100", "place 8 on 9 not on 1,2,100")
}

func TestCore239_DEC26_NoMoveBesideAForcedEviction(t *testing.T) {
	w := newWorld(t).chain(7, 1, 1, 2)
	w.s.Tick(stamp(sec(0)))
	w.scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.8})
	w.admin(mesh.ForceEvictReplica{Chain: 7, Victim: 2}).expect(1, "evict 7 from 2")
	if _, moving := w.s.Rebalancing(7); moving {
		t.Error("a move began beside a forced eviction")
	}
}

func TestCore256_NoTimeNoCost(t *testing.T) {
	gain := []score{{1, 0.25}, {2, 0.8}}
	placed(t).scores(&score{9, 0.5}, &mesh.MigrationCost{Reliability: 1000}, gain...).expect(1, "place 7 on 9 not on 1,2,100")
	placed(t).scores(&score{9, 0.5}, &mesh.MigrationCost{StateTransfer: time.Millisecond, Reliability: 10000}, gain...).expect(1)
}

func TestB1_Core169_AnEvictionThatIsUnderWayIsNotAskedAgain(t *testing.T) {
	w := newWorld(t).chain(7, 1, 1, 2)
	w.succeed(w.expect(0, "evict 7 from 2")...)
	w.expect(1)
	w.expect(5, "evict 7 from 2") // it settled, and 2 holds it still
}

func TestCore211_AnExitWithoutDaemonsIsRecoveryAtOnce(t *testing.T) {
	w := newWorld(t).admin(mesh.EnterMaintenance{Node: this}, mesh.ExitMaintenance{Node: this})
	w.expect(0, "commit recovery")
}

func TestCore311_ADaemonInACrashLoopIsNotStarted(t *testing.T) {
	w := newWorld(t).hear(intent(1, run))
	for i := range 5 {
		w.to(float64(i)).hear(crashed(1))
	}
	w.expect(5, "backoff 1 to 5m4s")
	w.expect(303.9)
	w.expect(304, "start 1")
}

func TestB3_Core319_AnAvoidanceThatFoundNoRoomIsAskedAgain(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500))
	if got := w.passWithRoom(1, 0); got != "" {
		t.Errorf("handed out %s", got)
	}
	if w.s.Avoids(5) {
		t.Error("it is avoided although the action was not handed out")
	}
	w.succeed(w.expect(2, "avoid 5 for 5m0s: rtt 500 ms is above 250ms")...)
	if !w.s.Avoids(5) {
		t.Error("it is not avoided")
	}
}

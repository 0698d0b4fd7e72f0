package admission_test

import (
	"math"
	"testing"
	"time"

	"github.com/meshos/meshos/host/executor/admission"
	"github.com/meshos/meshos/host/mesh"
)

func TestADM02_APullWithinTheCooldownWaitsForTheRest(t *testing.T) {
	w := newWorld(t)
	w.admits(0, pull(1))
	w.refuses(100*ms, pull(2), admission.Defer, 150*ms)
}

func TestADM03_APullAfterTheCooldownIsAdmitted(t *testing.T) {
	w := newWorld(t)
	w.admits(0, pull(1))
	w.admits(300*ms, pull(2))
}

func TestPullCooldownThatEndsNowIsOver(t *testing.T) {
	w := newWorld(t)
	w.admits(0, pull(1))
	w.refuses(250*ms-1, pull(2), admission.Defer, 1)
	w.admits(250*ms, pull(2))
}

func TestAPullOfASettlingChainWaits(t *testing.T) {
	w := newWorld(t)
	w.admits(0, pull(1))
	w.refuses(10*sec, pull(1), admission.Defer, 50*sec)
	w.refuses(60*sec-1, pull(1), admission.Defer, 1)
	w.admits(60*sec, pull(1))
}

func TestADM05_APullOfASettledChainIsAdmitted(t *testing.T) {
	w := newWorld(t)
	w.admits(0, pull(1))
	w.admits(61*sec, pull(1))
}

func TestADM06_ADropAfterAPullOfTheChainWaits(t *testing.T) {
	w := newWorld(t)
	w.admits(0, pull(1))
	w.refuses(10*sec, drop(1), admission.Defer, 50*sec)
}

// Of two closed gates the chain's decides: then the pull does not wait for the slot.
func TestTheChainDecidesBeforeThePullSlot(t *testing.T) {
	w := newWorld(t)
	w.admits(0, pull(1))
	_, first := w.ask(100*ms, pull(1))
	_, second := w.ask(100*ms, pull(2))
	if first.Slot || first.After != 60*sec-100*ms || !second.Slot {
		t.Errorf("got %+v for the same chain and %+v for another", first, second)
	}
}

func TestADM18_RollBackIsByActionNotByTime(t *testing.T) {
	w := newWorld(t)
	w.admits(0, pull(1))
	b := w.admits(300*ms, pull(2))
	w.RollBack(b)
	if w.PullOpens() > mesh.Time(300*ms) {
		t.Error("the slot is still taken")
	}
	w.refuses(300*ms, pull(1), admission.Defer, 60*sec-300*ms) // A's window stands
	w.admits(300*ms, pull(2))                                  // B's is gone, and so is the slot's
}

func TestRollBackLeavesWhatAnotherActionTook(t *testing.T) {
	w := newWorld(t)
	a := w.admits(0, pull(1))
	w.admits(60*sec, pull(1)) // the same chain, by a later action
	w.RollBack(a)
	w.refuses(60*sec, pull(1), admission.Defer, 60*sec)
	w.refuses(60*sec, pull(2), admission.Defer, 250*ms)
	w.RollBack(mesh.Emitted{ID: 99, Action: drop(1)})
	w.refuses(60*sec, drop(1), admission.Defer, 60*sec)
}

func TestRollBackOfADropFreesTheChain(t *testing.T) {
	w := newWorld(t)
	w.RollBack(w.admits(0, drop(1)))
	w.admits(0, drop(1))
}

func TestADM20_AQueuedPullIsAdmitted(t *testing.T) {
	g := admission.New(admission.Policy{PullCooldown: sec, Stabilization: time.Minute, DrainRate: 1})
	if d := g.Decide(mesh.Emitted{ID: 1, Action: pull(1)}, 0); d.Verdict != admission.Admit {
		t.Errorf("got %+v", d)
	}
}

func TestIMP05_ADropTakesNoPullSlotAndARefusedPullTakesNothing(t *testing.T) {
	w := newWorld(t)
	w.admits(0, drop(1))
	w.admits(0, pull(2)) // the drop took no slot
	w.refuses(100*ms, pull(3), admission.Defer, 150*ms)
	w.admits(100*ms, drop(3))                          // chain 3 was not taken
	w.refuses(200*ms, pull(4), admission.Defer, 50*ms) // nor was the slot, again
	w.admits(250*ms, pull(4))
}

func TestIMP06_ADropKeepsALaterPullOfTheChainAway(t *testing.T) {
	w := newWorld(t)
	w.admits(0, drop(1))
	w.refuses(sec, pull(1), admission.Defer, 59*sec)
	w.admits(60*sec, pull(1))
}

func TestAWaitThatOverflowsIsNotAWait(t *testing.T) {
	g := admission.New(admission.Policy{PullCooldown: math.MaxInt64, Stabilization: math.MaxInt64, DrainRate: 1})
	for id := mesh.ActionID(1); id < 3; id++ {
		if d := g.Decide(mesh.Emitted{ID: id, Action: pull(1)}, 1); d.Verdict != admission.Admit {
			t.Errorf("pull %d: got %+v", id, d)
		}
	}
}

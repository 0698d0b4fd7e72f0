package mesh

import (
	"fmt"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// freshness is that of the mesh with leaves: so short that a cut is longer.
const freshness = 10 * time.Second

// twoAreCutOffFromThree cuts the seeds into a minority and a majority, such that whoever leads
// the log is on each side once, with some luck. The majority freezes, which the minority hears
// of afterwards.
func twoAreCutOffFromThree(w *world, o *orders) {
	for _, minority := range [][]int{{1, 2}, {4, 5}}[:times(1, 2)] {
		majority := without(five, minority...)
		w.lab.Net.Cut(minority, majority)
		for _, id := range minority {
			w.unreachable(o, id)
		}
		for _, id := range majority {
			w.cordon(o, id, "in the majority")
		}
		for _, id := range minority {
			tick := w.snapshot(id).GetTick()
			w.until(id, "goes on", func(s *meshosv1.Snapshot) bool { return s.GetTick() > tick+2 })
		}
		w.freeze(majority[0])
		at := w.equal(1, majority...)
		left := w.snapshot(majority[1]).GetFreezeRemaining().AsDuration()
		w.lab.Net.Heal()
		for _, id := range minority {
			w.frozenNoLongerThan(id, left)
		}
		w.equal(at, five...)
		w.thaw(minority[0], five...)
	}
}

// aCutInOneDirection keeps what a seed says from all others, and not what they say from it: one
// seed after the other.
func aCutInOneDirection(w *world, o *orders) {
	for _, deaf := range five { // one of them leads the log
		others := without(five, deaf)
		w.lab.Net.OneWay([]int{deaf}, others)
		for _, id := range others {
			w.cordon(o, id, fmt.Sprintf("while node %d is not heard", deaf))
		}
		w.lab.Net.Heal()
		w.cordon(o, deaf, "healed")
	}
}

func lossAndDelay(w *world, o *orders) {
	w.lab.Net.Weather(5, 10*time.Millisecond)
	defer w.lab.Net.Weather(0, 0)
	for _, id := range five {
		w.cordon(o, id, "in bad weather")
	}
}

// aLeafIsCutOff has the others freeze, drain and force while a leaf is away for longer than
// commands are fresh.
func aLeafIsCutOff(w *world, o *orders) {
	const leaf = 5
	w.lab.Net.Cut([]int{1, 2, 3, 4}, []int{leaf})
	w.unreachable(o, leaf)
	w.cordon(o, 4, "while the leaf is cut off")
	drained := o.next("drain")
	w.eventually(2, "admin", "drain", "--node", "5", "--yes", "--reason", drained)
	forced := o.next("force")
	w.eventually(1, w.breakGlass(1, "ice", "flush-avoid", "--global", "--reason", forced)...)
	ordered := time.Now()
	w.freeze(2)
	at := w.equal(1, 1, 2, 3, 4)
	w.wait(func() string { return "the orders are not fresh any more" }, func() bool { return time.Since(ordered) > freshness+time.Second })
	left := w.snapshot(2).GetFreezeRemaining().AsDuration()
	w.lab.Net.Heal()
	w.frozenNoLongerThan(leaf, left)
	w.until(leaf, "is drained, and cordoned, as was ordered meanwhile", func(s *meshosv1.Snapshot) bool { return s.GetLocalMaintenance().GetCordoned() })
	w.equal(at, five...)
	late := map[string]bool{}
	w.wait(func() string { return fmt.Sprintf("the audit of the leaf has the forced order, as too late: %v", late) }, func() bool {
		for _, r := range w.audit(leaf) {
			late[r.GetReason()] = r.GetLate()
		}
		return late[forced]
	})
	if late[drained] {
		w.t.Error("a drain, which holds from then on, was not done because it came late")
	}
	w.thaw(leaf, five...)
	w.eventually(leaf, "admin", "uncordon", "--node", "5", "--yes")
	w.until(leaf, "is cordoned no more", func(s *meshosv1.Snapshot) bool { return !s.GetLocalMaintenance().GetCordoned() })
}

// freeze freezes the mesh, from a node.
func (w *world) freeze(on int) {
	w.t.Helper()
	w.eventually(on, w.breakGlass(on, "ice", "freeze", "--ttl", "10m")...)
}

// thaw ends that, and waits until some nodes have heard of it.
func (w *world) thaw(on int, ids ...int) {
	w.t.Helper()
	w.eventually(on, w.breakGlass(on, "ice", "thaw")...)
	for _, id := range ids {
		w.until(id, "is frozen no more", func(s *meshosv1.Snapshot) bool { return s.GetFreezeRemaining() == nil })
	}
}

// frozenNoLongerThan waits until a node is frozen, as was ordered while it was away. That must
// not take longer for it than for the others.
func (w *world) frozenNoLongerThan(id int, left time.Duration) {
	w.t.Helper()
	s := w.until(id, "is frozen, as was ordered meanwhile", func(s *meshosv1.Snapshot) bool { return s.GetFreezeRemaining() != nil })
	if own := s.GetFreezeRemaining().AsDuration(); own > left+time.Second {
		w.t.Errorf("node %d is frozen for another %s; before, the others were so for another %s", id, own, left)
	}
}

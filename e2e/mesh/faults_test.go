package mesh

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// unreachable orders something on a node until it is refused for want of a quorum. It must
// never be accepted. What was tried before the node noticed may turn out to count.
func (w *world) unreachable(o *orders, id int, name string) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for try := 0; ; try++ {
		reason := fmt.Sprintf("%s, try %d", name, try)
		said := w.refused(id, "admin", "cordon", "--node", "1", "--yes", "--reason", reason)
		if strings.Contains(said, "mesh_unreachable") {
			o.refused = append(o.refused, reason)
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("not within %s: node %d refuses an order as mesh_unreachable; it says: %s", patience, id, said)
		}
	}
}

func TestAMinorityRefusesOrdersGoesOnAndCatchesUp(t *testing.T) {
	w := newMesh(t, 3, 3)
	o := &orders{}
	w.cordon(o, 1, "before")
	for _, alone := range []int{1, 2} { // one of them, or none, leads the log
		others := without(w.all(), alone)
		w.lab.Net.Cut([]int{alone}, others)
		w.unreachable(o, alone, fmt.Sprintf("in the minority of %d", alone))
		w.cordon(o, others[0], fmt.Sprintf("in the majority without %d", alone))
		w.cordon(o, others[1], fmt.Sprintf("in the majority without %d, too", alone))
		tick := w.snapshot(alone).GetTick()
		w.until(alone, "goes on", func(s *meshosv1.Snapshot) bool { return s.GetTick() > tick+2 })
		w.lab.Net.Heal()
		w.cordon(o, alone, fmt.Sprintf("healed, on %d", alone))
		w.check(o, w.all()...)
	}
	w.lostNothing()
}

func TestACutInOneDirectionStopsNoOrdersOfTheMajority(t *testing.T) {
	w := newMesh(t, 3, 3)
	o := &orders{}
	w.cordon(o, 1, "before")
	w.lab.Net.OneWay([]int{1}, []int{2, 3})
	w.cordon(o, 2, "while node 1 is not heard")
	w.cordon(o, 3, "while node 1 is not heard, too")
	w.lab.Net.Heal()
	w.cordon(o, 1, "healed")
	w.check(o, w.all()...)
}

func TestLossAndDelayLoseNoOrder(t *testing.T) {
	w := newMesh(t, 3, 3)
	o := &orders{}
	w.cordon(o, 1, "before")
	w.lab.Net.Weather(5, 10*time.Millisecond)
	for _, id := range w.all() {
		w.cordon(o, id, "in bad weather from "+w.lab.Node(id).Name)
	}
	w.lab.Net.Weather(0, 0)
	w.check(o, w.all()...)
}

func TestKilledPluginsSeedsAndHostsLoseAndDoubleNothing(t *testing.T) {
	w := newMesh(t, 3, 3)
	o := &orders{}
	w.cordon(o, 1, "before")
	for _, id := range w.all() { // one of them leads the log
		name := w.lab.Node(id).Name
		if err := syscall.Kill(w.plugin(id), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		w.cordon(o, 1+id%3, "the plugin of "+name+" was killed")
		w.cordon(o, id, "on "+name+", whose plugin was killed")
	}
	for _, id := range w.all() {
		n := w.lab.Node(id)
		n.Kill()
		w.cordon(o, 1+id%3, "the host of "+n.Name+" was killed")
		if err := n.Start(); err != nil {
			t.Fatal(err)
		}
		w.cordon(o, id, "on "+n.Name+", which was killed")
	}
	w.check(o, w.all()...)
}

func TestAStoppedSeedIsGoneForTheOthersAndComesBack(t *testing.T) {
	w := newMesh(t, 3, 3)
	o := &orders{}
	w.cordon(o, 1, "before")
	stopped := w.plugin(1)
	if err := syscall.Kill(stopped, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	w.cordon(o, 2, "while the plugin of node 1 is stopped")
	if err := syscall.Kill(stopped, syscall.SIGCONT); err != nil && err != syscall.ESRCH { //nolint:errorlint // the host may have replaced it
		t.Fatal(err)
	}
	w.cordon(o, 1, "on node 1, afterwards")
	w.check(o, w.all()...)
}

// plugin returns the process of a node's mesh plugin.
func (w *world) plugin(id int) (pid int) {
	w.t.Helper()
	w.until(id, "has a running mesh plugin", func(s *meshosv1.Snapshot) bool {
		for _, p := range s.GetPlugins() {
			if p.GetName() == "mesh-nats" && p.GetStatus() == meshosv1.PluginView_STATUS_READY {
				pid = int(p.GetPid())
			}
		}
		return pid != 0
	})
	return pid
}

func TestALeafThatWasCutOffTakesWhatWasOrderedMeanwhile(t *testing.T) {
	w := newMesh(t, 3, 1)
	o := &orders{}
	w.cordon(o, 1, "before")
	w.lab.Net.Cut([]int{1, 2}, []int{3})
	w.unreachable(o, 3, "on a leaf that is cut off")
	w.cordon(o, 1, "while node 3 is cut off")
	w.eventually(2, w.breakGlass(2, "ice", "freeze", "--ttl", "10m")...)
	frozen := w.equal(1, 1, 2)
	w.lab.Net.Heal()
	w.until(3, "is frozen, as was ordered meanwhile", func(s *meshosv1.Snapshot) bool { return s.GetFreezeRemaining() != nil })
	w.equal(frozen, w.all()...)
	w.eventually(3, w.breakGlass(3, "ice", "thaw")...)
	w.cordon(o, 3, "healed")
	w.check(o, w.all()...)
}

func TestSeedsWhoseStoresAreLostAreFilledUpFromTheRecords(t *testing.T) {
	w := newMesh(t, 4, 3)
	o := &orders{}
	for _, id := range w.all() {
		w.cordon(o, id, "before, on "+w.lab.Node(id).Name)
	}
	w.wipe(2)
	w.cordon(o, 2, "one seed was wiped")
	w.check(o, w.all()...)
	w.wipe(1, 2, 3)
	w.cordon(o, 4, "all seeds were wiped")
	w.cordon(o, 1, "all seeds were wiped, on one of them")
	w.check(o, w.all()...)
}

// wipe ends nodes, removes what their mesh plugins have stored, and starts them again.
func (w *world) wipe(ids ...int) {
	w.t.Helper()
	for _, id := range ids {
		w.lab.Node(id).Ask()
	}
	for _, id := range ids {
		n := w.lab.Node(id)
		if err := n.Stop(); err != nil {
			w.t.Fatal(err)
		}
		store := filepath.Join(n.Data(), "plugins", "mesh-nats")
		if _, err := os.Stat(store); err != nil {
			w.t.Fatal(err)
		}
		if err := os.RemoveAll(store); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, id := range ids {
		if err := w.lab.Node(id).Start(); err != nil {
			w.t.Fatal(err)
		}
	}
}

func without(ids []int, id int) (out []int) {
	for _, i := range ids {
		if i != id {
			out = append(out, i)
		}
	}
	return out
}

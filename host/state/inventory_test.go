package state_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// stock is an answer of a probe about node 1: a load that was measured some seconds ago, free
// space that was measured just now, and a label.
func stock(probe string, load, age float64) mesh.Samples {
	disk := uint64(load)
	inv := mesh.Inventory{Node: 1, CPULoad1m: &load, DiskUsedBytes: &disk, Capabilities: []string{probe}}
	inv.Ages[mesh.FactCPULoad1m] = time.Duration(age * float64(time.Second))
	return inventory(probe, inv)
}

func (w *world) load(want float64) {
	w.t.Helper()
	inv := w.peer(1).Inventory
	switch {
	case inv == nil || inv.CPULoad1m == nil:
		if want != 0 {
			w.t.Errorf("at %v the load is unknown, want %v", w.s.Now(), want)
		}
	case *inv.CPULoad1m != want:
		w.t.Errorf("at %v the load is %v, want %v", w.s.Now(), *inv.CPULoad1m, want)
	}
}

// A collector that hangs renews nothing, while the plugin goes on with all others.
func TestB17_AFactGoesWhenItWasNotMeasuredAgain(t *testing.T) {
	w := newWorld(t)
	for at := 0.0; at < 60; at += 10 {
		w.to(at).samples(stock("a", 3, at))
		w.tick(at)
		w.load(3)
		equal(t, "measured", w.peer(1).Measured[mesh.FactCPULoad1m], sec(0))
	}
	w.to(60).samples(stock("a", 3, 60))
	w.tick(60)
	w.load(0)
	inv := w.peer(1).Inventory
	if inv.DiskUsedBytes == nil || len(inv.Capabilities) != 1 {
		t.Errorf("what is measured should stay: %+v", inv)
	}
	w.to(61).samples(stock("a", 4, 0))
	w.load(4)
}

func TestB17_FactsOfAProbeThatIsGoneGoWithIt(t *testing.T) {
	w := newWorld(t)
	w.samples(stock("a", 3, 0))
	w.to(20).samples(inventory("b", mesh.Inventory{Node: 1, DiskUsedBytes: new(uint64(9))}))
	for at := 30.0; at < 60; at += 10 {
		w.samples(mesh.Samples{Probe: "a", Err: "not ready"})
		w.samples(mesh.Samples{Probe: "a"}) // says nothing
		w.tick(at)
	}
	w.load(3)
	w.tick(60)
	w.load(0)
	inv := w.peer(1).Inventory
	if len(inv.Capabilities) != 0 || inv.DiskUsedBytes == nil {
		t.Errorf("labels should go with their probe, and what another says should stay: %+v", inv)
	}
	w.tick(80)
	if _, known := w.s.Peer(1); known {
		t.Error("a node of which nobody says anything should be forgotten")
	}
}

func TestB17_TheFactOfAnotherProbeTakesItsPlace(t *testing.T) {
	w := newWorld(t)
	w.samples(stock("a", 3, 0))
	w.samples(stock("b", 5, 50))
	w.load(5) // it was said last
	equal(t, "label", w.peer(1).Inventory.Capabilities[0], "b")
	w.to(5).samples(stock("a", 4, 0))
	w.load(4)
	w.samples(stock("b", 5, 55))
	w.load(5)
	w.tick(9.9)
	w.load(5)
	w.tick(10) // what b measured is 60 s old
	w.load(4)
	equal(t, "label", w.peer(1).Inventory.Capabilities[0], "b")

	w.samples(mesh.Samples{Probe: "b", Inventory: []mesh.Inventory{{Node: 1}}, InventoryComplete: true})
	equal(t, "label after a complete answer without one", w.peer(1).Inventory.Capabilities[0], "a")
	equal(t, "disk", *w.peer(1).Inventory.DiskUsedBytes, 4)
}

func TestB17_ACompleteInventoryDropsWhatItLeavesOut(t *testing.T) {
	w := newWorld(t)
	w.samples(stock("a", 3, 0))
	w.samples(inventory("a", mesh.Inventory{Node: 1, DiskUsedBytes: new(uint64(9))})) // in part
	w.load(3)
	w.samples(mesh.Samples{Probe: "a", Inventory: []mesh.Inventory{{Node: 1, DiskUsedBytes: new(uint64(9))}}, InventoryComplete: true})
	w.load(0)
	equal(t, "disk", *w.peer(1).Inventory.DiskUsedBytes, 9)
	w.samples(mesh.Samples{Probe: "a", InventoryComplete: true, Err: "hung"})
	if w.peer(1).Inventory == nil {
		t.Error("a failed answer says nothing")
	}
	w.samples(mesh.Samples{Probe: "a", InventoryComplete: true})
	if _, known := w.s.Peer(1); known {
		t.Error("an empty complete answer should drop what the probe said, and the peer with it")
	}
}

// What a snapshot has must not change with the next answer.
func TestAnInventoryThatWasReadDoesNotChange(t *testing.T) {
	w := newWorld(t)
	w.samples(stock("a", 3, 0))
	before := w.peer(1).Inventory
	w.to(1).samples(stock("a", 4, 0))
	w.tick(100)
	equal(t, "load", *before.CPULoad1m, 3)
	equal(t, "labels", len(before.Capabilities), 1)
}

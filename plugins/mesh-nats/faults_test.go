package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestAMinorityRefusesAndGoesOnOnceThereIsAMajority(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 3, 0)
	all[1].end()
	all[2].end()
	w.until("the one that is left says that the log takes nothing", func() bool { return !all[0].linkNow().GetQuorum() })
	began := time.Now()
	if err := all[0].orderAt(t.Context(), 2, "alone"); status.Code(err) != codes.Unavailable {
		t.Errorf("%v", err)
	}
	t.Logf("refused after %s", time.Since(began))
	all[1].start()
	w.everybody()
	w.takesOrders(all[0], all[1])
	if err := all[1].order(t.Context(), "two of three"); err != nil {
		t.Fatal(err)
	}
	w.same(2, all[0], all[1])
	if got := string(all[0].record()[1].GetEntry()); got != "two of three" {
		t.Errorf("the log has %q", got)
	}

	// The third one comes back with an empty disk, and gets the log from the others.
	if err := os.RemoveAll(filepath.Join(all[2].dir, "hub")); err != nil {
		t.Fatal(err)
	}
	all[2].start()
	w.everybody()
	w.until("it has the log", func() bool {
		link := all[2].linkNow()
		return link.GetQuorum() && link.GetBeacon().GetHeight() == 2
	})
	if err := all[2].order(t.Context(), "three of three"); err != nil {
		t.Fatal(err)
	}
	w.same(3, all...)
	w.settled(all...)
	all[1].end()
	w.until("it counts", func() bool { return all[0].orderAt(t.Context(), 4, "with the one that was empty") == nil })
	w.same(4, all[0], all[2])
}

func TestALeafThatWasCutOffCatchesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	seed, leaf := w.add(1), w.add(2)
	link := newCable(t, w.address(9), w.address(1))
	leaf.cfg.Seeds = []string{w.address(9)}
	seed.start()
	leaf.start()
	w.found(seed)
	w.takesOrders(seed, leaf)
	if err := seed.order(t.Context(), "first"); err != nil {
		t.Fatal(err)
	}
	w.same(1, seed, leaf)
	link.cut()
	for i := range 300 {
		if err := seed.order(t.Context(), fmt.Sprintf("meanwhile %d", i)); err != nil {
			t.Fatal(err)
		}
		w.same(2+i, seed)
	}
	began := time.Now()
	if err := leaf.orderAt(t.Context(), 2, "cut off"); status.Code(err) != codes.Unavailable {
		t.Errorf("%v", err)
	}
	t.Logf("refused after %s", time.Since(began))
	w.until("the leaf says that the log takes nothing", func() bool { return !leaf.linkNow().GetQuorum() })
	w.until("the leaf gives the link up", func() bool {
		return strings.Contains(leaf.log.String(), "carries nothing, and another one is made") && !leaf.linkNow().GetConnected()
	})
	link.heal()
	w.same(301, seed, leaf)
	w.takesOrders(leaf)
}

// The seed's store is lost, and comes back from what the hosts have.
func TestAnEmptiedSeedIsFilledUp(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 1, 1)
	seed, leaf := all[0], all[1]
	for i := range 20 {
		if err := leaf.order(t.Context(), fmt.Sprintf("entry %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	w.same(21, all...)
	before := seed.record()
	seed.end()
	if err := os.RemoveAll(filepath.Join(seed.dir, "hub")); err != nil {
		t.Fatal(err)
	}
	seed.start()
	w.everybody()
	w.until("the leaf is told that the log ends at 0", func() bool {
		link := leaf.linkNow()
		return link.GetConnected() && link.GetBeacon().GetHeight() == 0
	})
	if err := leaf.orderAt(t.Context(), 22, "too early"); err == nil {
		t.Error("the log took an entry after those that it does not have")
	}
	if err := leaf.orderAt(t.Context(), 1, "another beginning"); status.Code(err) != codes.Unavailable {
		t.Errorf("another beginning: %v", err)
	}
	w.until("the log is filled up", func() bool { return leaf.refill(t.Context(), before) == nil })
	if err := leaf.order(t.Context(), "after it"); err != nil {
		t.Fatal(err)
	}
	w.same(22, all...)

	late := w.add(3).start()
	w.everybody()
	w.same(22, seed, late)
	for i, e := range late.record()[:21] {
		if !e.GetRefilled() {
			t.Errorf("entry %d is not said to be refilled", i+1)
		}
	}
	if late.record()[21].GetRefilled() {
		t.Error("the last entry is said to be refilled")
	}
}

func TestOneSeedGrowsToThree(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 1, 2)
	for i := range 5 {
		if err := all[i%3].order(t.Context(), fmt.Sprintf("entry %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	w.same(6, all...)
	record := all[0].record()
	w.seeds = []string{w.address(1), w.address(2), w.address(3)}
	for i, m := range all {
		m.end()
		m.cfg.Seeds, m.cfg.Listen = w.seeds, w.seeds[i]
	}
	for _, m := range all {
		m.start()
	}
	w.everybody()
	w.until("the log is filled up", func() bool { return all[2].refill(t.Context(), record) == nil })
	if err := all[1].order(t.Context(), "after it"); err != nil {
		t.Fatal(err)
	}
	w.same(7, all...)
	if _, err := os.Stat(filepath.Join(all[0].dir, "hub", "alone.aside")); err != nil {
		t.Error(err)
	}
}

// A seed's machine is replaced by one with another id: then two of the new three are enough.
func TestASeedIsReplaced(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 3, 0)
	all[2].end()
	w.seeds = []string{w.address(1), w.address(2), w.address(4)}
	delete(w.machines, 3)
	fourth := w.add(4)
	fourth.cfg.Listen, fourth.cfg.Seeds = w.address(4), w.seeds
	for _, m := range all[:2] {
		m.end()
		m.cfg.Seeds = w.seeds
		m.start()
	}
	fourth.start()
	w.everybody()
	w.takesOrders(all[0], all[1], fourth)
	w.until("the former seed does not count any more", func() bool {
		return strings.Contains(all[0].log.String()+all[1].log.String()+fourth.log.String(), "does not count in the cluster of seeds now")
	})
	if err := fourth.order(t.Context(), "with the new one"); err != nil {
		t.Fatal(err)
	}
	w.same(2, all[0], all[1], fourth)
	w.until("the new seed has the log", func() bool { return fourth.linkNow().GetBeacon().GetHeight() == 2 })
	w.settled(all[0], all[1], fourth)
	all[1].end()
	w.until("two of three order", func() bool { return all[0].orderAt(t.Context(), 3, "two of three") == nil })
	w.same(3, all[0], fourth)
}

package main

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

var leaves = flag.Int("mesh.leaves", 20, "how many leaves come back after a seed's restart")

// All leaves hear of what is ordered while a seed restarts, and those that were linked with it
// come back, to it or to another one.
func TestManyLeavesComeBackAfterASeedsRestart(t *testing.T) {
	w, all := foundedWith(t, 3, *leaves, pluginsdk.Duration(max(3, *leaves/20))*pluginsdk.Duration(time.Second))
	w.settled(all[:3]...)
	linked := make([]int, 3)
	for _, m := range all[3:] {
		if seed := slices.Index(w.seeds, m.linkNow().GetSeed()); seed >= 0 {
			linked[seed]++
		}
	}
	most := slices.Index(linked, slices.Max(linked))
	ends, others := all[most], slices.Delete(slices.Clone(all), most, most+1)
	began := time.Now()
	ends.end()
	height, longest := 1, time.Duration(0)
	order := func(m *machine) {
		t.Helper()
		before := time.Now()
		height++
		if err := m.order(t.Context(), fmt.Sprintf("order %d", height)); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(before))
		w.until(fmt.Sprintf("m%d has what it ordered", m.id), func() bool { return len(m.record()) >= height })
	}
	for range 5 {
		order(others[0])
		order(others[len(others)-1])
	}
	for _, m := range others {
		w.until(fmt.Sprintf("m%d is linked without the seed", m.id), func() bool { return m.linkNow().GetConnected() })
	}
	w.same(height, others...)
	without := time.Since(began)
	ends.start()
	w.everybody()
	order(others[1])
	w.same(height, all...)
	t.Logf("%d leaves, %d of them linked with a seed that ended: all had the %d orders since after %s; an order took up to %s; the seed was back after another %s",
		*leaves, linked[most], height-1, without.Round(time.Millisecond), longest.Round(time.Millisecond), (time.Since(began) - without).Round(time.Millisecond))
}

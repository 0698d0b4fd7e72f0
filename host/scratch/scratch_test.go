package scratch_test

import (
	"testing"

	"github.com/meshos/meshos/host/scratch"
)

func TestAListIsFilledAgainInItsMemory(t *testing.T) {
	var g scratch.Gauge
	list := make([]int, 50_000)
	for i := range 1000 {
		again := scratch.Again(&g, list)
		if len(again) != 0 || cap(again) != cap(list) {
			t.Fatalf("after %d times there is room for %d of %d", i, cap(again), cap(list))
		}
		list = again[:20_000+i]
	}
}

func TestTheMemoryOfAFloodIsLetGo(t *testing.T) {
	var g scratch.Gauge
	list := make([]int, 50_000)
	kept := 0
	for cap(list) == 50_000 {
		list = append(scratch.Again(&g, list), 1, 2, 3)
		kept++
	}
	if kept < 10 || kept > 100 {
		t.Errorf("it was kept for %d times", kept)
	}
}

func TestALittleIsAlwaysKept(t *testing.T) {
	var g scratch.Gauge
	list := make([]int, 1000)
	for range 1000 {
		list = scratch.Again(&g, list)
	}
	if cap(list) != 1000 {
		t.Errorf("there is room for %d", cap(list))
	}
}

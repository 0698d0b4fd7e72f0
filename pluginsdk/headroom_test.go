package pluginsdk

import (
	"runtime"
	"testing"
)

func TestManyPeersPutTheGarbageCollectorOff(t *testing.T) {
	var few, many headroom
	few.fit(10)
	if len(few.parts) > 0 {
		t.Errorf("few peers have %d parts", len(few.parts))
	}
	few.fit(1000)
	if got := len(few.parts) * headroomPart; got < 4<<20 || got > 8<<20 {
		t.Errorf("1,000 peers have %d bytes", got)
	}
	for range 2 {
		many.fit(10_000)
	}
	if got := len(many.parts) * headroomPart; got < 20<<20 || got > 10_000*headroomPerPeer {
		t.Errorf("10,000 peers have %d bytes", got)
	}
	many.fit(1 << 40)
	runtime.GC()
	var stats runtime.MemStats
	if runtime.ReadMemStats(&stats); stats.NextGC < maxHeadroom/2 {
		t.Errorf("the next collection is at %d bytes", stats.NextGC)
	}
	many.fit(1)
}

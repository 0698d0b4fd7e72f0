package journal

import (
	"strings"
	"testing"

	"github.com/meshos/meshos/host/mesh"
)

func TestTheBacklogIsBoundedByItsMemory(t *testing.T) {
	line := Entry{Input: mesh.Heard{Event: mesh.LogLine{Message: strings.Repeat("x", 1000)}}}
	b := newBacklog(1<<20, 1<<20)
	n := 0
	for b.put(line) {
		n++
	}
	if n < 500 || n > 1100 || b.waiting() != n {
		t.Errorf("%d lines of 1000 bytes had room in 1 MiB", n)
	}
	for b.take() != nil {
	}
	if !b.put(line) || b.waiting() != 1 {
		t.Error("what was taken still takes room")
	}
	small := newBacklog(1<<20, 10)
	if !small.put(Entry{Input: mesh.Samples{RTT: make([]mesh.RTTSample, 1000)}}) || small.put(line) {
		t.Error("an entry that is larger than all has room alone")
	}
}

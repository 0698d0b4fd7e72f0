package state

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
)

func pushLine(r *logRing, source string, daemon mesh.DaemonID) mesh.LogRecord {
	l := mesh.LogRecord{Seq: r.next(), Source: source, Daemon: daemon}
	r.push(l)
	return l
}

// One source that says much pushes out none of what the others say.
func TestP5_EverySourceHasAShareOfTheLog(t *testing.T) {
	r := newLogRing(LogRing)
	var quiet []mesh.LogRecord
	for i := range 20 {
		quiet = append(quiet, pushLine(&r, "api", 0), pushLine(&r, "", 0), pushLine(&r, "", mesh.DaemonID(i%3+1)))
	}
	before := r.view()
	for i := range 250_000 {
		// Whichever daemon it says the line is of, it is the plugin's.
		pushLine(&r, "plugin:x", mesh.DaemonID(i%5))
	}
	got := r.view()
	if len(got) != LogRing || !slices.Equal(got[:len(quiet)], quiet) || got[len(got)-1].Seq != 250_060 {
		t.Errorf("%d lines, %d of them of others, the last %d", len(got), slices.IndexFunc(got, func(l mesh.LogRecord) bool { return l.Source == "plugin:x" }), got[len(got)-1].Seq)
	}
	if !slices.Equal(before, quiet) {
		t.Error("a view changed when more was pushed")
	}
	for range 5000 { // two floods share what there is
		pushLine(&r, "plugin:x", 0)
		pushLine(&r, "plugin:y", 0)
	}
	counts := map[string]int{}
	for _, l := range r.view() {
		counts[l.Source]++
	}
	if counts["plugin:x"] != counts["plugin:y"] || counts["plugin:x"] != (LogRing-60)/2 {
		t.Errorf("the floods hold %v", counts)
	}
}

// Whatever is pushed, the ring holds the newest lines of every source, in their order, and
// a source loses one only while no other has more.
func TestTheLogRingIsFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 12
		r, all := newLogRing(size), map[lineSource][]uint64{}
		for range rapid.IntRange(0, 200).Draw(t, "lines") {
			l := pushLine(&r, fmt.Sprint(rapid.IntRange(1, 20).Draw(t, "source")), 0)
			all[sourceOf(l)] = append(all[sourceOf(l)], l.Seq)
		}
		got, held := map[lineSource][]uint64{}, r.view()
		for i, l := range held {
			if i > 0 && held[i-1].Seq >= l.Seq {
				t.Fatal("the lines are not in order")
			}
			got[sourceOf(l)] = append(got[sourceOf(l)], l.Seq)
		}
		total, longest := 0, 0
		for source, seqs := range all {
			total += len(seqs)
			longest = max(longest, len(got[source]))
			if tail := seqs[len(seqs)-len(got[source]):]; !slices.Equal(got[source], tail) {
				t.Fatalf("of source %v it holds %v, want %v", source, got[source], tail)
			}
		}
		if len(held) != min(total, size) || len(r.sources) != len(r.byLength) || len(r.byLength) != len(got) {
			t.Fatalf("it holds %d lines of %d sources, want %d", len(held), len(r.byLength), min(total, size))
		}
	})
}

package wire_test

import (
	"testing"

	"github.com/meshos/meshos/pluginsdk/wire"
)

func TestTheLatestVersionThatBothKnowCounts(t *testing.T) {
	tests := []struct {
		named []string
		known []int
		want  int
	}{
		{nil, []int{1, 2}, 1},
		{[]string{wire.ScorerInPages}, []int{1, 2}, 2},
		{[]string{wire.ScorerInPages, "placement_scorer/3"}, []int{1, 2}, 2},
		{[]string{"placement_scorer/3"}, []int{1, 2}, 1},
		{[]string{"health_probe/2", "placement_scorer/", "placement_scorer/x", "placement_scorer"}, []int{1, 2}, 1},
	}
	for _, tt := range tests {
		if got := wire.LatestVersion(wire.KindPlacementScorer, tt.named, tt.known...); got != tt.want {
			t.Errorf("%q: version %d, want %d", tt.named, got, tt.want)
		}
	}
}

func TestPagesFitIntoMessages(t *testing.T) {
	for asked, want := range map[uint32]int{0: wire.PageBytes, 1: wire.LeastPage, 4096: 4096, 1 << 31: wire.MaxMessage / 2} {
		if got := wire.PageLimit(asked); got != want {
			t.Errorf("%d: %d, want %d", asked, got, want)
		}
	}
}

package answers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReasonsAreCountedAndNewOnesReturned(t *testing.T) {
	var all, first, second Discarded
	first.Add("unknown peer", "peer %d", 9)
	first.Add("unknown peer", "peer %d", 8)
	first.Add("negative load", "peer %d", 2)
	second.Add("unknown peer", "peer %d", 7)
	second.Add("twice", "peer\n%d", 7)
	if d := cmp.Diff([]string{"negative load (peer 2)", "unknown peer (peer 9)"}, all.Merge(first)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"twice (peer 7)"}, all.Merge(second)); d != "" {
		t.Error(d)
	}
	if fresh := all.Merge(Discarded{}); fresh != nil {
		t.Errorf("of nothing: %q", fresh)
	}
	want := []string{
		"discarded from its answers 1 times: negative load (first: peer 2)",
		"discarded from its answers 1 times: twice (first: peer 7)",
		"discarded from its answers 3 times: unknown peer (first: peer 9)",
	}
	if d := cmp.Diff(want, all.Warnings()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]uint64{"unknown peer: peer 9": 2, "negative load: peer 2": 1}, counts(first)); d != "" {
		t.Errorf("merging changed what was merged: %s", d)
	}
}

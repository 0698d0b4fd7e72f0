package main

import (
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/golden"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Whoever confirms a break-glass command sees what it does on all nodes, as far as they answer.
func TestABreakGlassCommandShowsAllNodes(t *testing.T) {
	j, d, _ := newOperatorNode(t, "")
	j.elsewhere = []*hostv1.NodeSimulation{
		{Node: 2, Name: "beta", Same: true},
		{Node: 3, Name: "gamma", BlastRadius: &meshosv1.BlastRadius{AffectedNodes: []uint64{2, 3, 4}, Warnings: []*meshosv1.BlastRadius_Warning{{Kind: "x", Detail: "it is worse\x1b here"}}}},
		{Node: 4, Name: "delta", Unanswered: "it is gone, and was last heard of 3m0s ago"},
		{Node: 5, Same: true},
	}
	d.must(t, "ice freeze --ttl 10m --unsigned --dry-run")
	golden.Check(t, "testdata/commands/freeze-elsewhere.txt", d.out.String())
	d.answers = []string{"freeze_cluster"}
	d.must(t, "ice freeze --ttl 10m --unsigned")
	if shown, asked := d.err.String(), len(d.asked); asked != 1 || !strings.Contains(shown, "no answer of 4 (delta)") {
		t.Errorf("asked %d times, after\n%s", asked, shown)
	}
	d.must(t, "ice freeze --ttl 10m --unsigned --dry-run -o json")
	if !strings.Contains(d.out.String(), `"unanswered": "it is gone, and was last heard of 3m0s ago"`) {
		t.Errorf("said %s", d.out.String())
	}
}

package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// spreads reports whether the holders of a chain are spread over a label now: while the scorer
// says what is better, that counts.
func (d *diff) spreads(c state.Chain) bool { return c.Spread != "" && !d.s.ScoresUsable() }

// spreadTarget returns the node on which the next holder of a chain should be placed: one with
// the value of the label that has the fewest holders. Among equals each chain has an order of
// its own, so that not all go to one node. It is 0, for any node, if the chain is not spread or
// no member may be given replicas.
func (d *diff) spreadTarget(c state.Chain) mesh.NodeID {
	if !d.spreads(c) {
		return 0
	}
	holders := d.crowds(c)
	candidates := slices.DeleteFunc(slices.Clone(d.s.Targets()), c.HeldBy)
	if len(candidates) == 0 {
		return 0
	}
	return slices.MinFunc(candidates, func(a, b mesh.NodeID) int {
		x, y := d.labelOf(c, a), d.labelOf(c, b)
		return cmp.Or(
			trueFirst(x != "", y != ""),
			cmp.Compare(holders[x], holders[y]),
			cmp.Compare(mixed(c.ID, a), mixed(c.ID, b)),
			cmp.Compare(a, b),
		)
	})
}

// crowds returns how many holders of a chain that count have each value of its label.
func (d *diff) crowds(c state.Chain) map[string]int {
	out := make(map[string]int)
	for _, n := range d.live(c) {
		if !d.leaving[n] {
			out[d.labelOf(c, n)]++
		}
	}
	return out
}

// wouldCrowd reports whether a chain that is spread over a label would be less so if one node held
// it in place of another: scores do not count for more than that.
func (d *diff) wouldCrowd(c state.Chain, from, to mesh.NodeID) bool {
	if c.Spread == "" || d.labelOf(c, from) == d.labelOf(c, to) {
		return false
	}
	holders := d.crowds(c)
	return holders[d.labelOf(c, to)] >= holders[d.labelOf(c, from)]
}

func (d *diff) labelOf(c state.Chain, n mesh.NodeID) string {
	return mesh.LabelOf(d.s.Labels(n), c.Spread)
}

// mixed returns a number that looks random and is the same for a chain and a node each time.
func mixed(id mesh.ChainID, n mesh.NodeID) uint64 {
	x := uint64(id)*0x9E3779B97F4A7C15 ^ uint64(n)*0xC2B2AE3D27D4EB4F
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// Crowded returns which holders of a chain share a value of the label over which they are to be
// spread; "" for none.
func Crowded(s *state.State, c state.Chain) string {
	if c.Spread == "" {
		return ""
	}
	of := map[string][]mesh.NodeID{}
	for _, n := range c.Holders {
		value := mesh.LabelOf(s.Labels(n), c.Spread)
		of[value] = append(of[value], n)
	}
	var out []string
	for _, value := range slices.Sorted(maps.Keys(of)) {
		switch n := of[value]; {
		case value == "":
			out = append(out, fmt.Sprintf("%s without a label %s", list(n), c.Spread))
		case len(n) > 1:
			out = append(out, fmt.Sprintf("%s share %s %s", list(n), c.Spread, value))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "its holders are to be spread over " + c.Spread + ", and " + strings.Join(out, ", ")
}

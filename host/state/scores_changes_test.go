package state_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/statetest"
)

// A node that gets the changes to the table of scores knows at each step what one knows that
// gets the whole table.
func TestChangesOfScoresLeadToTheWholeTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chain := func() mesh.ChainID { return mesh.ChainID(rapid.IntRange(1, 4).Draw(t, "chain")) }
		node := func() mesh.NodeID { return mesh.NodeID(rapid.IntRange(1, 7).Draw(t, "node")) }
		parts, wholes := newState(), newState()
		at := statetest.Start()
		hear := func(ev mesh.Event) {
			parts.Apply(at, mesh.Heard{Event: ev})
			wholes.Apply(at, mesh.Heard{Event: ev})
		}
		table, sent := make(map[mesh.ChainID]mesh.ChainScore), make(map[mesh.ChainID]bool)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			at.At, at.Wall = at.At.Add(time.Second), at.Wall.Add(time.Second)
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				hear(mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: chain(), Holder: node()})
			case 1:
				hear(mesh.ReplicaUpdate{Change: mesh.ReplicaRemoved, Chain: chain(), Holder: node()})
			case 2:
				hear(mesh.AdminReceived{Event: mesh.InvalidatePlacement{Node: node()}})
			case 3:
				parts.Tick(at)
				wholes.Tick(at)
				parts.EndPass(func(mesh.NodeID) bool { return true })
				wholes.EndPass(func(mesh.NodeID) bool { return true })
			default:
				in := mesh.Scores{ViewVersion: parts.Passes(), Changes: true}
				for range rapid.IntRange(0, 3).Draw(t, "changes") {
					c := mesh.ChainScore{Chain: chain()}
					if rapid.IntRange(0, 3).Draw(t, "gone") == 0 {
						delete(table, c.Chain)
						continue
					}
					for range rapid.IntRange(0, 6).Draw(t, "holders") {
						c.Holders = append(c.Holders, mesh.NodeScore{Node: node(), Score: rapid.Float32Range(-1, 2).Draw(t, "score")})
					}
					c.Best = &mesh.NodeScore{Node: node(), Score: 1}
					table[c.Chain] = c
					in.Chains = append(slices.DeleteFunc(in.Chains, func(o mesh.ChainScore) bool { return o.Chain == c.Chain }), c)
				}
				in.Chains = slices.DeleteFunc(in.Chains, func(c mesh.ChainScore) bool { _, has := table[c.Chain]; return !has })
				for id := range sent {
					if _, has := table[id]; !has {
						in.Unscored = append(in.Unscored, id)
					}
				}
				sent = make(map[mesh.ChainID]bool)
				for id := range table {
					sent[id] = true
				}
				parts.Apply(at, in)
				wholes.Apply(at, mesh.Scores{ViewVersion: in.ViewVersion, Chains: slices.Collect(maps.Values(table))})
			}
			for id := mesh.ChainID(1); id <= 4; id++ {
				for n := mesh.NodeID(1); n <= 7; n++ {
					got, has := parts.Score(id, n)
					want, should := wholes.Score(id, n)
					if got != want || has != should {
						t.Fatalf("node %d for chain %d: %v %v, want %v %v", n, id, got, has, want, should)
					}
				}
				got, cost, has := parts.Alternative(id)
				want, price, should := wholes.Alternative(id)
				if got != want || cost != price || has != should {
					t.Fatalf("alternative for chain %d: %v %v, want %v %v", id, got, has, want, should)
				}
			}
		}
	})
}

// The scores of few holders are kept in another place than those of many.
func TestScoresFollowHoldersWhoComeAndGo(t *testing.T) {
	w := newWorld(t)
	score := func(n mesh.NodeID) float32 { return float32(n) / 16 }
	version := uint64(0)
	scored := func(holders mesh.NodeID) {
		t.Helper()
		w.tick(float64(version))
		version++
		c := mesh.ChainScore{Chain: 7, Best: &mesh.NodeScore{Node: 9, Score: 1}}
		for n := mesh.NodeID(1); n <= holders; n++ {
			c.Holders = append(c.Holders, mesh.NodeScore{Node: n, Score: score(n)})
		}
		w.input(mesh.Scores{ViewVersion: w.s.Passes(), Chains: []mesh.ChainScore{c}})
		for n := mesh.NodeID(1); n <= 9; n++ {
			got, ok := w.s.Score(7, n)
			if n <= holders && (!ok || got != score(n)) || n > holders && ok {
				t.Errorf("of %d holders node %d has the score %v, %v", holders, n, got, ok)
			}
		}
		if best, _, ok := w.s.Alternative(7); !ok || best.Node != 9 {
			t.Errorf("of %d holders the alternative is %v, %v", holders, best, ok)
		}
	}
	change := func(n mesh.NodeID, how mesh.ReplicaChange) {
		w.hear(mesh.ReplicaUpdate{Change: how, Chain: 7, Holder: n})
		w.tick(float64(version)) // what comes later is of a newer view
	}
	for n := mesh.NodeID(1); n <= 7; n++ {
		change(n, mesh.ReplicaAdded)
		scored(n)
	}
	for n := mesh.NodeID(7); n > 1; n-- {
		change(n, mesh.ReplicaRemoved)
		scored(n - 1)
	}
}

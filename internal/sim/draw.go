package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/meshos/meshos/internal/scenario"
)

// Faults come within the first part of a drawn story; in the rest all heals and comes to rest.
const (
	faultsFor = 60 * time.Second
	restFor   = 150 * time.Second
)

// Draw draws a story of some nodes from a seed.
func Draw(seed uint64, nodes, seeds int, operators bool) *scenario.Scenario {
	d := drawer{rand.New(rand.NewPCG(seed, 2)), nodes, seeds}
	s := &scenario.Scenario{
		Nodes: nodes, Seeds: seeds, Chains: 4 + d.IntN(20), Replicas: 1 + d.IntN(3), Operators: operators, End: faultsFor + restFor,
	}
	s.Steps = append(s.Steps, scenario.Step{Do: scenario.Network{Delay: d.span(0, 80*time.Millisecond), Loss: d.IntN(8)}})
	for range 2 + d.IntN(7) {
		s.Steps = append(s.Steps, scenario.Step{At: d.when(), Do: d.fault()})
	}
	for i := range 5 + d.IntN(25) {
		s.Steps = append(s.Steps, scenario.Step{At: d.when(), Do: d.order(fmt.Sprintf("o%d", i+1))})
	}
	s.Steps = append(s.Steps, scenario.Step{At: faultsFor, Do: scenario.Heal{}}, scenario.Step{At: faultsFor, Do: scenario.Network{}})
	s.Sort()
	return s
}

// DrawDrop adds to a drawn story that the beginning of the log is dropped, and that some nodes were
// away for longer.
func DrawDrop(s *scenario.Scenario, seed uint64) {
	d := drawer{rand.New(rand.NewPCG(seed, 3)), s.Nodes, s.Seeds}
	s.Checkpoint = true
	at := d.span(time.Second, faultsFor/2)
	s.Steps = append(s.Steps, scenario.Step{At: at, Do: scenario.Drop{}})
	for range 1 + d.IntN(4) {
		s.Steps = append(s.Steps, scenario.Step{At: d.when(), Do: scenario.Behind{Nodes: []int{d.node()}}})
	}
	s.Sort()
}

type drawer struct {
	*rand.Rand
	nodes, seeds int
}

func (d drawer) span(least, most time.Duration) time.Duration {
	return (least + time.Duration(d.Int64N(int64(most-least)))).Round(time.Millisecond)
}

func (d drawer) when() time.Duration { return d.span(time.Second, faultsFor) }
func (d drawer) node() int           { return 1 + d.IntN(d.nodes) }

// someSeeds draws some of the seeds, often less than a majority.
func (d drawer) someSeeds() (ids []int) {
	for i := range d.seeds {
		if d.IntN(3) == 0 {
			ids = append(ids, i+1)
		}
	}
	if len(ids) == 0 {
		ids = []int{1 + d.IntN(d.seeds)}
	}
	return ids
}

func (d drawer) fault() scenario.Action {
	switch d.IntN(14) {
	case 0, 1:
		var groups [2][]int
		for i := range d.nodes {
			g := d.IntN(2)
			groups[g] = append(groups[g], i+1)
		}
		if len(groups[0]) == 0 || len(groups[1]) == 0 {
			return scenario.Heal{}
		}
		return scenario.Cut{Groups: groups[:]}
	case 2:
		return scenario.OneWay{From: []int{d.node(), d.node()}, To: []int{d.node()}}
	case 3, 4:
		return scenario.Heal{}
	case 5:
		return scenario.Network{Delay: d.span(0, time.Second), Loss: d.IntN(30)}
	case 6:
		return scenario.Kill{Node: d.node(), For: d.span(time.Second, 40*time.Second)}
	case 7:
		when := scenario.Recording
		if d.IntN(2) == 0 {
			when = scenario.Recorded
		}
		return scenario.Kill{Node: d.node(), When: when, For: d.span(time.Second, 10*time.Second)}
	case 8:
		return scenario.Stop{Node: d.node(), For: d.span(time.Second, 30*time.Second)}
	case 9:
		by := d.span(time.Second, 2*time.Hour)
		if d.IntN(2) == 0 {
			by = -by
		}
		return scenario.Clock{Node: d.node(), By: by}
	case 10:
		return scenario.WipeSeed{Nodes: d.someSeeds()}
	case 11:
		return scenario.SetBackSeed{Nodes: d.someSeeds(), By: 1 + d.IntN(6)}
	case 12:
		return scenario.SetBackRecord{Node: d.node(), By: 1 + d.IntN(6)}
	}
	return scenario.Lie{Node: d.node(), How: []string{"gap", "reorder", "flip", "junk"}[d.IntN(4)], For: d.span(time.Second, 20*time.Second)}
}

func (d drawer) order(name string) scenario.Order {
	o := scenario.Order{Name: name, On: d.node(), Arg: fmt.Sprint(d.node())}
	switch d.IntN(12) {
	case 0, 1, 2, 3:
		o.Verb = "cordon"
	case 4, 5, 6:
		o.Verb = "uncordon"
	case 7, 8:
		o.Verb = "drain"
	case 9:
		o.Verb, o.Arg = "freeze", d.span(time.Second, 20*time.Second).Round(time.Second).String()
	case 10:
		o.Verb, o.Arg = "thaw", ""
	case 11:
		o.Verb, o.Arg = "flush", ""
	}
	return o
}

package sim_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/scenario"
	"github.com/meshos/meshos/internal/sim"
)

var (
	seed  = flag.Uint64("sim.seed", 0, "run only the story of this seed, and say what happens")
	seeds = flag.Int("sim.seeds", 8, "how many stories to draw")
	nodes = flag.Int("sim.nodes", 20, "of how many nodes")
)

// bases makes what worlds begin with, once for each kind.
type bases map[string]*sim.Base

func (b bases) of(t *testing.T, s *scenario.Scenario) *sim.Base {
	key := fmt.Sprint(s.Nodes, s.Seeds, s.Operators, s.Checkpoint)
	if b[key] == nil {
		make := sim.NewBase
		if s.Checkpoint {
			make = sim.NewBaseBehind
		}
		b[key] = make(t, s.Nodes, s.Seeds, s.Operators)
	}
	return b[key]
}

// drawn returns the story of a seed, and how it is run.
func drawn(seed uint64) (*scenario.Scenario, sim.Options) {
	few := []int{1, 3, 3, 5}[seed%4]
	return sim.Draw(seed, *nodes, few, seed%5 == 0), sim.Options{NoDedup: seed%3 == 0}
}

func TestDrawnStories(t *testing.T) {
	if *seed != 0 {
		if err := play(bases{}, t, *seed, sim.Nothing, func(line string) { t.Log(line) }, nil); err != nil {
			t.Error(err)
		}
		return
	}
	// A world needs no other one, so each processor has some of them.
	const parts = 4
	for part := range parts {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			made, total := bases{}, map[string]int{}
			for n := 1 + part; n <= *seeds; n += parts {
				if err := play(made, t, uint64(n), sim.Nothing, nil, total); err != nil {
					t.Error(err)
					return
				}
			}
			t.Log(total)
		})
	}
}

// play runs the story of a seed. The error says how it is run again.
func play(made bases, t *testing.T, seed uint64, broken sim.Broken, trace func(string), total map[string]int) error {
	story, opts := drawn(seed)
	opts.Break, opts.Trace = broken, trace
	w := sim.New(made.of(t, story), story, seed, opts)
	err := w.Run()
	if total != nil {
		for what, n := range w.Stats() {
			total[what] += n
		}
	}
	if err != nil {
		return fmt.Errorf("seed %d: %w\nreplay: go test ./internal/sim -run '^TestDrawnStories$' -v -sim.seed=%d -sim.nodes=%d\nstory:\n%s", seed, err, seed, *nodes, story)
	}
	return nil
}

// The checks find a node that breaks a rule: that nothing is found otherwise means something.
func TestABrokenRuleIsFound(t *testing.T) {
	made := bases{}
	for _, c := range []struct {
		name   string
		broken sim.Broken
		story  string
		want   string
	}{
		{"judges by its own clock", sim.JudgesByOwnClock, `
			nodes 5
			end 60s
			at 5s clock 4 +1h
			at 10s order A on 1: cordon 2`, "says"},
		{"acts before it is on disk", sim.ActsBeforeDisk, `
			nodes 5
			seeds 3
			end 60s
			at 10s kill 4 recording for 5s
			at 10s order A on 4: cordon 2`, "is not in its record after a restart"},
		{"orders again in doubt", sim.TriesAgainInDoubt, `
			nodes 5
			seeds 3
			end 90s
			at 1s network delay 300ms loss 40%
			at 10s order A on 4: cordon 2
			at 20s order B on 5: uncordon 2
			at 30s order C on 4: cordon 2
			at 40s order D on 5: uncordon 2
			at 50s network delay 0s loss 0%`, "counts"},
		{"removes what is needed", sim.ObeysBlindly, `
			nodes 5
			seeds 3
			chains 12
			replicas 2
			end 3m
			at 10s order A on 1: drain 4
			at 10s order B on 2: drain 5`, "B6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			story, err := scenario.Parse(c.story)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(200) {
				if err := sim.New(made.of(t, story), story, seed, sim.Options{}).Run(); err != nil {
					t.Fatalf("seed %d: nothing is broken, and it is found that %v", seed, err)
				}
				opts := sim.Options{Break: c.broken, NoDedup: true}
				if err := sim.New(made.of(t, story), story, seed, opts).Run(); err != nil {
					if !strings.Contains(err.Error(), c.want) {
						t.Errorf("seed %d: found something else: %v", seed, err)
					}
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			t.Error("nothing was found")
		})
	}
}

// Stories in which the beginning of the log is dropped, drawn like the others: nodes come back that
// were away for longer.
func TestDrawnStoriesOfALogWithoutItsBeginning(t *testing.T) {
	made, total := bases{}, map[string]int{}
	first, last := uint64(1), uint64(*seeds)
	if *seed != 0 {
		first, last = *seed, *seed
	}
	for n := first; n <= last; n++ {
		few := []int{1, 3, 3, 5}[n%4]
		story := sim.Draw(n, 12, few, n%5 == 0)
		sim.DrawDrop(story, n)
		opts := sim.Options{NoDedup: n%3 == 0}
		if *seed != 0 {
			opts.Trace = func(line string) { t.Log(line) }
		}
		w := sim.New(made.of(t, story), story, n, opts)
		if err := w.Run(); err != nil {
			t.Fatalf("seed %d: %v\nreplay: go test ./internal/sim -run '^TestDrawnStoriesOfALog' -v -sim.seed=%d\nstory:\n%s", n, err, n, story)
		}
		for what, n := range w.Stats() {
			total[what] += n
		}
	}
	t.Log(total)
	if *seed == 0 && total["went on from a checkpoint"] == 0 {
		t.Error("in none of them a node went on from a checkpoint")
	}
}

func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	made := bases{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			story, err := scenario.Parse(string(text))
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(2) {
				var trace []string
				opts := sim.Options{Trace: func(line string) { trace = append(trace, line) }}
				w := sim.New(made.of(t, story), story, seed, opts)
				if err := w.Run(); err != nil {
					t.Fatalf("seed %d: %v\n%s", seed, err, strings.Join(trace, "\n"))
				}
				if stats := w.Stats(); story.Checkpoint && (stats["went on from a checkpoint"] == 0 || stats["jumps"] == 0) {
					t.Errorf("seed %d: no node went on from the checkpoint, or the log never began anew: %v", seed, stats)
				}
			}
		})
	}
}

package scoring

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

func TestSCH08_HistoryKeeps64(t *testing.T) {
	var (
		h    history
		none rounds
	)
	for i := range 128 {
		h.record(int32(i), float32(i)/128, &none, false)
	}
	start := time.Unix(1000, 0)
	v := h.view(start, &none)
	if len(v.Samples) != 64 || cap(*h.earlier) > 128 {
		t.Fatalf("%d samples, capacity %d", len(v.Samples), cap(*h.earlier))
	}
	for i, s := range v.Samples {
		if n := 64 + i; s.Score != float32(n)/128 || !s.At.Equal(start.Add(time.Duration(n)*time.Second)) {
			t.Errorf("sample %d is %+v", i, s)
		}
	}
	if v.Current != 127.0/128 || v.Trend != Improving {
		t.Errorf("got %+v", v)
	}
}

func TestHistoryAsText(t *testing.T) {
	var (
		h    history
		none rounds
	)
	h.record(10, 0.8, &none, false)
	if got := h.view(time.Unix(0, 0), &none).String(); got != "worst score 0.80 (one sample)" {
		t.Error(got)
	}
	h.record(40, 0.2, &none, false)
	if got := h.view(time.Unix(0, 0), &none).String(); got != "worst score 0.20, recent mean 0.62: degrading (2 samples in 30s)" {
		t.Error(got)
	}
}

func TestCore253_Trend(t *testing.T) {
	var (
		h    history
		none rounds
	)
	record := func(score float32, times int) Trend {
		for range times {
			h.record(0, score, &none, false)
		}
		return h.trend
	}
	if got := record(0.8, 1); got != Stable || h.mean != 0.8 {
		t.Errorf("a fresh history is %v around %v", got, h.mean)
	}
	if got := record(0.2, 1); got != Degrading || math.Abs(float64(h.mean)-0.62) > 1e-6 {
		t.Errorf("then 0.2: %v around %v", got, h.mean)
	}
	if got := record(0.9, 5); got != Improving {
		t.Errorf("then five 0.9: %v", got)
	}
	if got := record(0.9, 30); got != Stable {
		t.Errorf("then thirty 0.9: %v", got)
	}
	if got := record(0.889, 1); got != Stable {
		t.Errorf("within the dead band: %v", got)
	}
}

func TestSCH10_11_HistoryOfTheWorstOfLedChainsOnly(t *testing.T) {
	now := time.Now()
	h := newHistories(now)
	nan := float32(math.NaN())
	table := func(worst float32) mesh.Scores {
		return mesh.Scores{Chains: []mesh.ChainScore{
			{Chain: 1, Holders: []mesh.NodeScore{{Node: 1, Score: nan}, {Node: 2, Score: 0.7}, {Node: 3, Score: worst}}},
			{Chain: 2, Holders: []mesh.NodeScore{{Node: 1, Score: 7}}},
			{Chain: 3, Holders: []mesh.NodeScore{{Node: 1, Score: nan}}},
		}}
	}
	h.record(now, table(0.3), true)
	h.record(now, table(0.3), false) // nothing new in between
	h.record(now, table(0.2), false)
	h.record(now, table(0.2), true)
	one, ok := h.get(1)
	if !ok || len(one.Samples) != 3 || one.Current != 0.2 {
		t.Errorf("got %+v", one)
	}
	if two, _ := h.get(2); len(two.Samples) != 2 || two.Current != 1 {
		t.Errorf("got %+v", two)
	}
	if _, ok := h.get(3); ok {
		t.Error("a chain without an opinion has a history")
	}
	v := viewOf(&snapshot.Snapshot{Node: 1, Replicas: snapshot.ReplicasOf(
		snapshot.Replica{Chain: 1, Holders: []mesh.NodeID{1}, Leader: 2},
		snapshot.Replica{Chain: 2, Holders: []mesh.NodeID{1}, Leader: 1},
		snapshot.Replica{Chain: 9, Holders: []mesh.NodeID{1}, Leader: 1},
	)})
	if n := h.scored(); n != 3 {
		t.Errorf("there are opinions on %d chains", n)
	}
	h.retain(&v)
	if _, ok := h.get(1); ok || h.of.Len() != 1 || h.scored() != 1 {
		t.Error("the history of a chain that is not led any more was kept")
	}
	if _, ok := h.get(2); !ok {
		t.Error("the history of a led chain was dropped")
	}
}

// What a history keeps of scores that stand still is what it would have with a sample for
// each round.
func TestAHistoryThatStandsStillHasASampleForEachRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Unix(0, 0)
		lean, plain := newHistories(start), plainHistory{}
		known, table := false, mesh.Scores{}
		// Of a chain without a score for many rounds, the times of the rounds before are forgotten.
		gaps := rapid.Bool().Draw(t, "gaps")
		steps := 200
		if gaps {
			steps = historyLength
		}
		for at := range rapid.IntRange(1, steps).Draw(t, "steps") {
			now := start.Add(time.Duration(at) * time.Second)
			all := rapid.Bool().Draw(t, "all")
			table = mesh.Scores{Changes: rapid.Bool().Draw(t, "changes")}
			change := rapid.IntRange(0, 9).Draw(t, "change")
			switch {
			case change == 0 && gaps: // it has no score any more
				if known && table.Changes {
					table.Unscored = []mesh.ChainID{7}
				}
				known = false
			case change < 4:
				known = true
				score := float32(rapid.IntRange(0, 3).Draw(t, "score")) / 4
				table.Chains = []mesh.ChainScore{{Chain: 7, Holders: []mesh.NodeScore{{Node: 1, Score: score}}}}
			case known && !table.Changes: // a whole table says it again
				table.Chains = []mesh.ChainScore{{Chain: 7, Holders: []mesh.NodeScore{{Node: 1, Score: plain.current}}}}
			}
			lean.record(now, table, all)
			if len(table.Chains) > 0 {
				plain.next, plain.known = table.Chains[0].Holders[0].Score, true
			}
			if known && (all || len(plain.samples) == 0 || plain.ended || plain.next != plain.current) {
				plain.record(int32(at), plain.next)
			}
			plain.ended = !known
		}
		got, found := lean.get(7)
		if found != (len(plain.samples) > 0) {
			t.Fatalf("found: %v, want %d samples", found, len(plain.samples))
		}
		if !found {
			return
		}
		var samples []Sample
		for _, s := range plain.samples {
			samples = append(samples, Sample{At: start.Add(time.Duration(s.at) * time.Second), Score: s.score})
		}
		samples = samples[max(0, len(samples)-historyLength):]
		if d := cmp.Diff(samples, got.Samples); d != "" {
			t.Fatal(d)
		}
		if math.Abs(float64(got.Mean-plain.mean)) > 1e-5 || got.Trend != plain.trend || got.Current != plain.current {
			t.Fatalf("got %v around %v, %v; want %v around %v, %v", got.Current, got.Mean, got.Trend, plain.current, plain.mean, plain.trend)
		}
	})
}

// plainHistory keeps every sample.
type plainHistory struct {
	samples       []sample
	current, mean float32
	trend         Trend

	next         float32
	known, ended bool
}

func (h *plainHistory) record(at int32, score float32) {
	if len(h.samples) == 0 {
		h.mean = score
	} else {
		h.trend = Stable
		if score < h.mean-deadBand {
			h.trend = Degrading
		} else if score > h.mean+deadBand {
			h.trend = Improving
		}
		h.mean = smoothing*score + (1-smoothing)*h.mean
	}
	h.current, h.samples = score, append(h.samples, sample{at: at, score: score})
}

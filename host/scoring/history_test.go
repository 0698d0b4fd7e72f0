package scoring

import (
	"math"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

func TestSCH08_HistoryKeeps64(t *testing.T) {
	var h history
	for i := range 128 {
		h.record(int32(i), float32(i)/128)
	}
	start := time.Unix(1000, 0)
	v := h.view(start)
	if len(v.Samples) != 64 || cap(h.samples) > 128 {
		t.Fatalf("%d samples, capacity %d", len(v.Samples), cap(h.samples))
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
	var h history
	h.record(10, 0.8)
	if got := h.view(time.Unix(0, 0)).String(); got != "worst score 0.80 (one sample)" {
		t.Error(got)
	}
	h.record(40, 0.2)
	if got := h.view(time.Unix(0, 0)).String(); got != "worst score 0.20, recent mean 0.62: degrading (2 samples in 30s)" {
		t.Error(got)
	}
}

func TestCore253_Trend(t *testing.T) {
	var h history
	record := func(score float32, times int) Trend {
		for range times {
			h.record(0, score)
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
	h.retain([]Chain{{ID: 2}, {ID: 9}})
	if _, ok := h.get(1); ok || len(h.of) != 1 {
		t.Error("the history of a chain that is not led any more was kept")
	}
	if _, ok := h.get(2); !ok {
		t.Error("the history of a led chain was dropped")
	}
}

package main

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestARatioIsTakenWithinEachRound(t *testing.T) {
	n := 0
	r := row{name: "x", round: func(context.Context, *bench) ([]figure, error) {
		n++ // the machine gets slower and slower
		return []figure{{Name: "time", Ours: float64(2 * n), Peer: float64(n)}}, nil
	}}
	got := r.measure(t.Context(), nil, 3)
	if len(got.Figures) != 1 || got.Figures[0].Ratio != 2 || got.Figures[0].Ours != 4 || got.Figures[0].Peer != 2 {
		t.Errorf("found %+v, want the medians 4 and 2, and the ratio 2", got)
	}
}

func TestWhatIsMissingIsSaidAndNotMeasured(t *testing.T) {
	r := row{name: "x", tools: []tool{{"no-such-program", "some-package"}}, round: func(context.Context, *bench) ([]figure, error) {
		t.Error("it was measured")
		return nil, nil
	}}
	if got := r.measure(t.Context(), nil, 1); !strings.Contains(got.Missing, "no-such-program is not installed") || !strings.Contains(got.Missing, "some-package") {
		t.Errorf("says %q", got.Missing)
	}
	r = row{name: "x", round: func(context.Context, *bench) ([]figure, error) { return nil, errors.New("broken") }}
	if got := r.measure(t.Context(), nil, 1); got.Missing != "round 1: broken" || got.Figures != nil {
		t.Errorf("says %+v of a round that failed", got)
	}
}

func TestRowsAreChosenByName(t *testing.T) {
	all, err := choose("")
	if err != nil || len(all) < 4 {
		t.Fatalf("chose %d rows: %v", len(all), err)
	}
	if got, err := choose("inventory,echoes"); err != nil || len(got) != 2 || got[0].name != "inventory" || got[1].name != "echoes" {
		t.Errorf("chose %v: %v", got, err)
	}
	if _, err := choose("echos"); err == nil || !strings.Contains(err.Error(), `"echos"`) {
		t.Errorf("an unknown row is %v", err)
	}
}

func TestQuantiles(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for share, want := range map[float64]float64{0: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := quantile(values, share); got != want {
			t.Errorf("the quantile %g is %g, not %g", share, got, want)
		}
	}
	if quantile(nil, 0.5) != 0 {
		t.Error("nothing has a quantile")
	}
}

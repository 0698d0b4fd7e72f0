package backoff

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPausesDoubleUpToTheLongest(t *testing.T) {
	d := Doubling{First: 200 * time.Millisecond, Max: time.Second}
	for failures, want := range []time.Duration{0, 200, 400, 800, 1000, 1000} {
		if got := d.After(failures); got != want*time.Millisecond {
			t.Errorf("after %d failures: %v, want %v", failures, got, want*time.Millisecond)
		}
	}
}

func TestAllOfTheLongestPauseIsNotNegative(t *testing.T) {
	d := Doubling{First: math.MaxInt64, Max: math.MaxInt64}
	if got := d.Jittered(1, 1); got != math.MaxInt64 {
		t.Errorf("got %v", got)
	}
}

func TestPausesStayWithinTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Doubling{
			First: time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "first")),
			Max:   time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "max")),
		}
		failures := rapid.IntRange(1, 200).Draw(t, "failures")
		pause := d.After(failures)
		if pause < min(d.First, d.Max) || pause > d.Max || pause > d.After(failures+1) {
			t.Fatalf("after %d failures of %+v: %v, then %v", failures, d, pause, d.After(failures+1))
		}
		random := rapid.Float64Range(0, 1).Draw(t, "random")
		if part := d.Jittered(failures, random); part < 0 || part > pause {
			t.Fatalf("jittered with %v: %v of %v", random, part, pause)
		}
	})
}

package loop

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTickFiguresAreThoseOfTheLastFiveMinutes(t *testing.T) {
	var r recent
	if r.took(0.5) != 0 || r.eventsPerTick() != 0 {
		t.Error("there are figures before the first tick")
	}
	second := 0
	pass := func(seconds int, took time.Duration, events uint64) {
		for range seconds {
			second++
			r.add(time.Duration(second)*time.Second, took, events)
		}
	}
	check := func(share float64, want time.Duration) {
		t.Helper()
		if got := r.took(share); math.Abs(float64(got-want)) > 0.03*float64(want) {
			t.Errorf("the quantile %g is %v, want %v", share, got, want)
		}
	}
	pass(600, time.Second, 100) // long ago
	pass(295, time.Millisecond, 4)
	pass(5, 40*time.Millisecond, 4)
	check(0.5, time.Millisecond)
	check(0.99, 40*time.Millisecond)
	if got := r.eventsPerTick(); got < 3.9 || got > 12 { // up to one slice of the time before may count
		t.Errorf("a tick folds %g events, want 4 or a little more", got)
	}
	second += 3600 // the machine slept
	pass(1, 2*time.Second, 7)
	check(0.01, 2*time.Second)
	if got := r.eventsPerTick(); got != 7 {
		t.Errorf("a tick folds %g events, want 7", got)
	}
}

// The quantiles are those of the sorted times, to the width of a bucket.
func TestTickQuantilesAreThoseOfTheTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(int64(time.Microsecond), int64(time.Minute)), 1, 300).Draw(t, "times")
		var r recent
		for _, took := range times {
			r.add(0, time.Duration(took), 0)
		}
		slices.Sort(times)
		for _, share := range []float64{0.01, 0.5, 0.99, 1} {
			want := float64(times[int(math.Ceil(share*float64(len(times))))-1])
			if got := float64(r.took(share)); math.Abs(got-want) > 0.045*want {
				t.Fatalf("the quantile %g is %v, want %v", share, time.Duration(got), time.Duration(want))
			}
		}
	})
}

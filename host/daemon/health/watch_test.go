package health

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// watched runs Watch for a while and returns what was reported, with its second.
func watched(t *testing.T, probe Probe, c Check, phase, length time.Duration, take func() bool) (told []string) {
	t.Helper()
	begun := time.Now()
	say := func(format string, args ...any) bool {
		if !take() {
			return false
		}
		told = append(told, fmt.Sprintf("%v "+format, append([]any{time.Since(begun)}, args...)...))
		return true
	}
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	Watch(ctx, probe, c, phase, Callbacks{
		Health:     func(h mesh.DaemonHealth) bool { return say("%s %s", letters[h.Status], h.Reason) },
		Saturation: func(l float32) bool { return say("saturation %v", l) },
	})
	return told
}

func always() bool { return true }

var every10s = Check{Interval: 10 * time.Second, Timeout: 2 * time.Second, Thresholds: Thresholds{Failures: 2, Successes: 1}}

func TestOnlyChangesAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		probe := ProbeFunc(func(context.Context) Answer {
			n++
			switch {
			case n <= 3:
				return Answer{HasSaturation: true, Saturation: 0.5}
			case n <= 6:
				return Answer{Failure: "refused"}
			}
			return Answer{HasSaturation: true, Saturation: 0.75}
		})
		got := watched(t, probe, every10s, 3*time.Second, 100*time.Second, always)
		want := []string{"0s H ", "0s saturation 0.5", "23s D refused", "33s U refused", "53s H ", "53s saturation 0.75"}
		if !slices.Equal(got, want) {
			t.Errorf("reported %q, want %q", got, want)
		}
		if n != 11 { // at once, and then every 10 s from 3 s on
			t.Errorf("asked %d times in 100 s", n)
		}
	})
}

// The level of the previous run may still be shown.
func TestThatADaemonIsIdleIsReportedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		probe := ProbeFunc(func(context.Context) Answer { return Answer{HasSaturation: true} })
		got := watched(t, probe, every10s, 3*time.Second, 60*time.Second, always)
		if want := []string{"0s H ", "0s saturation 0"}; !slices.Equal(got, want) {
			t.Errorf("reported %q, want %q", got, want)
		}
	})
}

func TestAHangingCheckIsAFailureAndNeverOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under, most atomic.Int32
		probe := ProbeFunc(func(context.Context) Answer {
			if n := under.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer under.Add(-1)
			time.Sleep(25 * time.Second) // heeds no deadline
			return Answer{}
		})
		got := watched(t, probe, every10s, 0, 61*time.Second, always)
		want := []string{"25s D no answer within 2s", "55s U no answer within 2s"}
		if !slices.Equal(got, want) || most.Load() != 1 {
			t.Errorf("reported %q, want %q; %d at once", got, want, most.Load())
		}
	})
}

func TestACheckThatCanNotBeMadeSaysNothingOfTheDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []Answer{{Impossible: "no such file"}, {Impossible: "no such file"}, {}, {}, {Impossible: "gone"}, {Failure: "ill"}}
		probe := ProbeFunc(func(context.Context) (next Answer) {
			next, answers = answers[0], answers[1:]
			return next
		})
		got := watched(t, probe, every10s, 0, 51*time.Second, always)
		want := []string{
			"0s ? it can't be checked: no such file", "20s H ", "40s ? it can't be checked: gone", "50s D ill",
		}
		if !slices.Equal(got, want) {
			t.Errorf("reported %q, want %q", got, want)
		}
	})
}

func TestWhatWasNotTakenIsReportedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		got := watched(t, ProbeFunc(func(context.Context) Answer { return Answer{} }), every10s, 0, 45*time.Second,
			func() bool { tries++; return tries > 2 })
		if want := []string{"20s H "}; !slices.Equal(got, want) {
			t.Errorf("reported %q, want %q", got, want)
		}
	})
}

func TestACheckThatTheEndCutsShortIsNotReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		probe := ProbeFunc(func(ctx context.Context) Answer {
			<-ctx.Done()
			return Answer{Failure: "cut"}
		})
		if got := watched(t, probe, every10s, 0, time.Second, always); len(got) != 0 {
			t.Errorf("reported %q", got)
		}
	})
}

// Others may wait for the first verdict.
func TestADaemonIsAskedBeforeItsRegularCheckUntilThereIsAVerdict(t *testing.T) {
	cases := []struct {
		name   string
		well   time.Duration // since when
		asked  []string
		report []string
	}{
		{"at once", 0, []string{"300ms", "9.3s", "19.3s"}, []string{"300ms H "}},
		{"soon", 3 * time.Second, []string{"300ms", "1.3s", "3.3s", "9.3s", "19.3s"}, []string{"3.3s H "}},
		{"never", time.Hour, []string{"300ms", "1.3s", "3.3s", "7.3s", "9.3s", "19.3s"}, []string{"9.3s D refused", "19.3s U refused"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				var asked []string
				probe := ProbeFunc(func(context.Context) Answer {
					asked = append(asked, time.Since(begun).String())
					if time.Since(begun) < c.well {
						return Answer{Failure: "refused"}
					}
					return Answer{}
				})
				got := watched(t, probe, every10s, 9300*time.Millisecond, 20*time.Second, always)
				if !slices.Equal(got, c.report) || !slices.Equal(asked, c.asked) {
					t.Errorf("asked at %q, reported %q; want %q, %q", asked, got, c.asked, c.report)
				}
			})
		})
	}
}

func TestPhasesAreSpread(t *testing.T) {
	var in [10]int
	for id := range mesh.DaemonID(1000) {
		p := Phase(id+1, time.Minute)
		if p < 0 || p >= maxPhase || p != Phase(id+1, time.Minute) {
			t.Fatalf("phase of %d: %v", id+1, p)
		}
		in[p/time.Second]++
	}
	for second, n := range in {
		if n < 50 || n > 200 {
			t.Errorf("%d of 1000 daemons in second %d", n, second)
		}
	}
	if p := Phase(7, 5*time.Millisecond); p >= 5*time.Millisecond {
		t.Errorf("phase %v within 5 ms", p)
	}
}

func TestFailuresWithinTheStartPeriodDoNotCount(t *testing.T) {
	check := every10s
	check.StartPeriod = time.Minute
	cases := []struct {
		name   string
		bad    func(since time.Duration) bool
		report []string
	}{
		{"slow", func(since time.Duration) bool { return since < 20*time.Second }, []string{"20s H "}},
		{"well, then ill", func(since time.Duration) bool { return since > 2*time.Second }, []string{"0s H ", "11s D refused", "21s U refused"}},
		{"never well", func(time.Duration) bool { return true }, []string{"1m0s D refused", "1m10s U refused"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				probe := ProbeFunc(func(context.Context) Answer {
					if c.bad(time.Since(begun)) {
						return Answer{Failure: "refused"}
					}
					return Answer{}
				})
				if got := watched(t, probe, check, 9*time.Second, 90*time.Second, always); !slices.Equal(got, c.report) {
					t.Errorf("reported %q, want %q", got, c.report)
				}
			})
		})
	}
}

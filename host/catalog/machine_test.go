package catalog

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bench is a machine with a clock that a test moves.
type bench struct {
	*testing.T
	machine
	now time.Time
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, now: time.Unix(1e9, 0)}
	b.machine = newMachine(b.now, defaultPolicy(10*time.Second), func() float64 { return 0.5 }, true)
	return b
}

func (b *bench) after(d time.Duration) *bench { b.now = b.now.Add(d); return b }

func (b *bench) is(want phase) {
	b.Helper()
	if b.phase != want {
		b.Fatalf("is %v, want %v; its life:\n%s", b.phase, want, b.life())
	}
}

func (b *bench) life() string {
	var s strings.Builder
	for _, m := range b.timeline {
		s.WriteString(m.at.Format("15:04:05.000 ") + m.what + "\n")
	}
	return s.String()
}

// up takes it from verifying to ready.
func (b *bench) up() {
	b.Helper()
	b.is(verifying)
	b.verified(b.now)
	b.is(starting)
	b.started(b.now)
	b.is(configuring)
	b.configured(b.now)
	b.is(ready)
}

// downFor fails it, checks how long it waits, and makes the next try.
func (b *bench) downFor(want time.Duration) {
	b.Helper()
	b.failed(b.now, "test")
	b.is(backingOff)
	if got := b.until.Sub(b.now); got != want {
		b.Fatalf("backs off for %v, want %v", got, want)
	}
	if b.after(want - 1); b.due(b.now) {
		b.Fatal("is due too early")
	}
	if b.after(1); !b.due(b.now) {
		b.Fatal("is not due")
	}
	b.retry(b.now)
}

func TestBackoffDoublesAndHasABound(t *testing.T) {
	p := defaultPolicy(0).backoff
	for before, want := range []time.Duration{200e6, 400e6, 800e6, 1600e6, 3200e6, 6400e6, 12800e6, 25600e6, 51200e6, 60e9, 60e9} {
		if got := p.Jittered(before+1, 1); got != want {
			t.Errorf("%d failures before: at most %v, want %v", before, got, want)
		}
		if got := p.Jittered(before+1, 0); got != 0 {
			t.Errorf("%d failures before: at least %v", before, got)
		}
	}
	if got := p.Jittered(1<<30, 1); got != time.Minute {
		t.Errorf("after very many failures %v", got)
	}
}

func TestBackoffStartsOverOnlyAfterAStableMinute(t *testing.T) {
	b := newBench(t)
	b.up()
	b.downFor(100 * time.Millisecond)
	b.up()
	b.after(time.Minute - 1)
	b.downFor(200 * time.Millisecond)
	b.up()
	b.after(time.Minute)
	b.downFor(100 * time.Millisecond)
	if b.restarts != 3 {
		t.Errorf("%d restarts", b.restarts)
	}
}

func TestFiveFailuresInTenMinutesQuarantine(t *testing.T) {
	b := newBench(t)
	for range 4 {
		b.verified(b.now)
		b.failed(b.now, "boom")
		b.is(backingOff)
		b.after(time.Second).retry(b.now)
	}
	b.failed(b.now, "boom")
	b.is(quarantined)
	if want := "5 failures within 10m0s, the last: boom"; b.reason != want {
		t.Errorf("reason %q", b.reason)
	}
	if got := b.until.Sub(b.now); got != 10*time.Minute {
		t.Errorf("quarantined for %v", got)
	}

	b.after(10 * time.Minute).retry(b.now) // the trial
	b.up()
	b.after(59*time.Second).failed(b.now, "again")
	b.is(quarantined)
	if b.reason != "its trial failed: again" {
		t.Errorf("reason %q", b.reason)
	}

	b.after(10 * time.Minute).retry(b.now)
	b.up()
	b.after(time.Minute).failed(b.now, "later")
	b.is(backingOff) // a stable minute passed the trial
}

func TestFailuresOutsideOfTheWindowDoNotCount(t *testing.T) {
	b := newBench(t)
	for range 20 {
		b.failed(b.now, "boom")
		b.is(backingOff)
		b.after(150 * time.Second).retry(b.now) // at most 4 in any 10 minutes
	}
}

func TestLagging(t *testing.T) {
	b := newBench(t)
	b.up()
	b.callLate(b.now, "Probe.Sample")
	b.is(lagging)
	if wake, ok := b.nextCheck(); !ok || wake.Sub(b.now) != 10*time.Second {
		t.Errorf("next check at %v, %v", wake, ok)
	}
	b.after(9*time.Second).callLate(b.now, "Probe.Other")
	b.callReturned(b.now)
	b.is(lagging) // one is still out
	if b.hung(b.now) {
		t.Error("hung too early")
	}
	if b.after(time.Second); !b.hung(b.now) {
		t.Error("not hung")
	}
	b.callReturned(b.now)
	b.is(ready)
	if b.hung(b.now) || b.reason != "" {
		t.Errorf("recovered, but hung or %q", b.reason)
	}
	if _, ok := b.nextCheck(); ok {
		t.Error("a ready one has nothing to wait for")
	}
}

func TestRejectedWaitsForAChangeAndNotForATime(t *testing.T) {
	b := newBench(t)
	b.refused(b.now, "wrong checksum")
	b.is(rejected)
	if _, ok := b.nextCheck(); ok || b.after(time.Hour).due(b.now) {
		t.Error("a rejected one is tried again by itself")
	}
	b.retry(b.now)
	b.is(verifying)
}

func TestDisabled(t *testing.T) {
	m := newMachine(time.Now(), defaultPolicy(0), nil, false)
	if m.phase != disabled || m.reason == "" {
		t.Errorf("%v: %q", m.phase, m.reason)
	}
}

func TestTimelineIsBounded(t *testing.T) {
	b := newBench(t)
	for range 1000 {
		b.refused(b.now, "no")
		b.retry(b.now)
	}
	if len(b.timeline) != timelineLength || b.timeline[timelineLength-1].what != "verifying" {
		t.Errorf("%d moments", len(b.timeline))
	}
}

// TestMachineHoldsItsPromises plays random lives.
func TestMachineHoldsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1e9, 0)
		m := newMachine(now, defaultPolicy(10*time.Second), func() float64 {
			return rapid.Float64Range(0, 0.999).Draw(t, "random")
		}, true)
		var failures []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "gap")))
			switch m.phase {
			case verifying, starting, configuring:
				switch rapid.IntRange(0, 4).Draw(t, "outcome") {
				case 0:
					failures = append(failures, now)
					m.failed(now, "x")
				case 1:
					m.refused(now, "x")
				default:
					m.verified(now)
					m.started(now)
					m.configured(now)
				}
			case ready:
				if rapid.Bool().Draw(t, "late") {
					m.callLate(now, "x")
				} else {
					failures = append(failures, now)
					m.failed(now, "x")
				}
			case lagging:
				if rapid.Bool().Draw(t, "back") {
					m.callReturned(now)
				} else {
					failures = append(failures, now)
					m.failed(now, "x")
				}
			case backingOff, quarantined:
				wait := m.until.Sub(now)
				if wait < 0 || m.phase == backingOff && wait > time.Minute || m.phase == quarantined && wait > 10*time.Minute {
					if m.until.Before(now) && m.due(now) {
						m.retry(now)
						continue
					}
					t.Fatalf("%v for %v", m.phase, wait)
				}
				now = m.until
				if !m.due(now) {
					t.Fatal("not due when it said")
				}
				m.retry(now)
			case rejected:
				m.retry(now)
			}
			if m.phase == backingOff {
				recent := 0
				for _, f := range failures {
					if now.Sub(f) < 10*time.Minute {
						recent++
					}
				}
				if len(m.recent) >= 5 {
					t.Fatalf("%d failures of %d and still backing off", len(m.recent), recent)
				}
			}
			if m.late < 0 || m.late > 0 && m.phase != lagging {
				t.Fatalf("%d late calls while %v", m.late, m.phase)
			}
			if (m.phase == ready || m.phase == verifying) && m.reason != "" {
				t.Fatalf("%v, because %q", m.phase, m.reason)
			}
		}
	})
}

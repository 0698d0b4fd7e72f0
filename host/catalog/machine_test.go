package catalog

import (
	"strings"
	"testing"
	"time"
)

// scenario is a machine with a clock that the test moves.
type scenario struct {
	*testing.T
	machine
	now time.Time
}

func newScenario(t *testing.T) *scenario {
	s := &scenario{T: t, now: time.Unix(1e9, 0)}
	s.machine = newMachine(s.now, defaultPolicy(10*time.Second), func() float64 { return 0.5 }, true)
	return s
}

func (s *scenario) after(d time.Duration) *scenario { s.now = s.now.Add(d); return s }

func (s *scenario) is(want phase) {
	s.Helper()
	if s.phase != want {
		s.Fatalf("is %v, want %v; its timeline:\n%s", s.phase, want, s.timelineText())
	}
}

func (s *scenario) timelineText() string {
	var b strings.Builder
	for _, m := range s.timeline {
		b.WriteString(m.at.Format("15:04:05.000 ") + m.what + "\n")
	}
	return b.String()
}

// up takes it from verifying to ready.
func (s *scenario) up() {
	s.Helper()
	s.is(verifying)
	s.verified(s.now)
	s.is(starting)
	s.started(s.now)
	s.is(configuring)
	s.configured(s.now)
	s.is(ready)
}

// downFor fails it, checks how long it backs off, and makes the next try.
func (s *scenario) downFor(want time.Duration) {
	s.Helper()
	s.failed(s.now, "test")
	s.is(backingOff)
	if got := s.until.Sub(s.now); got != want {
		s.Fatalf("backs off for %v, want %v", got, want)
	}
	if s.after(want - 1); s.due(s.now) {
		s.Fatal("is due too early")
	}
	if s.after(1); !s.due(s.now) {
		s.Fatal("is not due")
	}
	s.retry(s.now)
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
	s := newScenario(t)
	s.up()
	s.downFor(100 * time.Millisecond)
	s.up()
	s.after(time.Minute - 1)
	s.downFor(200 * time.Millisecond)
	s.up()
	s.after(time.Minute)
	s.downFor(100 * time.Millisecond)
	if s.restarts != 3 {
		t.Errorf("%d restarts", s.restarts)
	}
}

func TestFiveFailuresInTenMinutesQuarantine(t *testing.T) {
	s := newScenario(t)
	for range 4 {
		s.verified(s.now)
		s.failed(s.now, "boom")
		s.is(backingOff)
		s.after(time.Second).retry(s.now)
	}
	s.failed(s.now, "boom")
	s.is(quarantined)
	if want := "5 failures within 10m0s, the last: boom"; s.reason != want {
		t.Errorf("reason %q", s.reason)
	}
	if got := s.until.Sub(s.now); got != 10*time.Minute {
		t.Errorf("quarantined for %v", got)
	}

	s.after(10 * time.Minute).retry(s.now) // the trial
	s.up()
	s.after(59*time.Second).failed(s.now, "again")
	s.is(quarantined)
	if s.reason != "its trial failed: again" {
		t.Errorf("reason %q", s.reason)
	}

	s.after(10 * time.Minute).retry(s.now)
	s.up()
	s.after(time.Minute).failed(s.now, "later")
	s.is(backingOff) // a stable minute passed the trial
}

// Nothing else links a node with the others, so a mesh plugin that always fails is tried again
// within 30 s, however often it failed.
func TestAMeshPluginIsNeverLeftAloneForLong(t *testing.T) {
	s := newScenario(t)
	s.linksNode = true
	quarantines := 0
	for range 50 {
		s.failed(s.now, "boom")
		if left := s.until.Sub(s.now); left > 30*time.Second {
			t.Fatalf("%v for %v", s.phase, left)
		}
		if s.phase == quarantined {
			quarantines++
		}
		s.now = s.until
		if !s.due(s.now) {
			t.Fatal("is not due")
		}
		s.retry(s.now)
		s.verified(s.now)
	}
	if quarantines == 0 {
		t.Error("it was never quarantined")
	}
}

func TestFailuresOutsideOfTheWindowDoNotCount(t *testing.T) {
	s := newScenario(t)
	for range 20 {
		s.failed(s.now, "boom")
		s.is(backingOff)
		s.after(150 * time.Second).retry(s.now) // at most 4 in any 10 minutes
	}
}

func TestLagging(t *testing.T) {
	s := newScenario(t)
	s.up()
	s.callLate(s.now, "Probe.Sample")
	s.is(lagging)
	if wake, ok := s.nextCheck(); !ok || wake.Sub(s.now) != 10*time.Second {
		t.Errorf("next check at %v, %v", wake, ok)
	}
	s.after(9*time.Second).callLate(s.now, "Probe.Other")
	s.callReturned(s.now)
	s.is(lagging) // one call is still in flight
	if s.hung(s.now) {
		t.Error("hung too early")
	}
	if s.after(time.Second); !s.hung(s.now) {
		t.Error("not hung")
	}
	s.callReturned(s.now)
	s.is(ready)
	if s.hung(s.now) || s.reason != "" {
		t.Errorf("recovered, but hung or %q", s.reason)
	}
	if _, ok := s.nextCheck(); ok {
		t.Error("a ready one has nothing to wait for")
	}
}

func TestRejectedWaitsForAChangeAndNotForATime(t *testing.T) {
	s := newScenario(t)
	s.refused(s.now, "wrong checksum")
	s.is(rejected)
	if _, ok := s.nextCheck(); ok || s.after(time.Hour).due(s.now) {
		t.Error("a rejected one is tried again by itself")
	}
	s.retry(s.now)
	s.is(verifying)
}

func TestDisabled(t *testing.T) {
	m := newMachine(time.Now(), defaultPolicy(0), nil, false)
	if m.phase != disabled || m.reason == "" {
		t.Errorf("%v: %q", m.phase, m.reason)
	}
}

func TestTimelineIsBounded(t *testing.T) {
	s := newScenario(t)
	for range 1000 {
		s.refused(s.now, "no")
		s.retry(s.now)
	}
	if len(s.timeline) != timelineLength || s.timeline[timelineLength-1].what != "verifying" {
		t.Errorf("%d moments", len(s.timeline))
	}
}

func TestWhatTheHostLacksNeverQuarantines(t *testing.T) {
	s := newScenario(t)
	for range 20 {
		s.heldUp(s.now, "no descriptors")
		s.is(backingOff)
		s.after(s.until.Sub(s.now)).retry(s.now)
	}
	for range s.policy.limit - 1 {
		s.failed(s.now, "test")
		s.is(backingOff)
		s.retry(s.now)
	}
	s.failed(s.now, "test")
	s.is(quarantined)
}

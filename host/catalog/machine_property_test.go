package catalog

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

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

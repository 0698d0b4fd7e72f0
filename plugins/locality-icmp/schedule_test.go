package main

import (
	"testing"
	"time"
)

func TestSchedule(t *testing.T) {
	start := time.Unix(1000, 0)
	tests := map[string]struct {
		s       schedule
		wantGap time.Duration
	}{
		"three targets spread over the second":       {spread(start, 3, 3, time.Second), time.Second / 9},
		"the first round of three is quick":          {quick(start, 3, 3, time.Second), quickRound / 9},
		"ten thousand targets, three echoes each":    {spread(start, 10000, 3, time.Second), time.Second / 30000},
		"their first round keeps to the quick pace":  {quick(start, 10000, 3, time.Second), quickGap},
		"too many for the interval: the pace limits": {spread(start, 100000, 20, time.Second), minGap},
		"a quick round is never slower than others":  {quick(start, 80000, 1, time.Second), time.Second / 80000},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := tt.s
			if s.gap != tt.wantGap {
				t.Errorf("gap %s, want %s", s.gap, tt.wantGap)
			}
			if got := s.due(start.Add(-1)); got != 0 {
				t.Errorf("%d due before the start", got)
			}
			if got := s.due(start); got != 1 {
				t.Errorf("%d due at the start, want 1", got)
			}
			if got := s.due(start.Add(time.Hour)); got != s.total {
				t.Errorf("%d due after an hour, want all %d", got, s.total)
			}
		})
	}
}

func TestWakesSendFewTogetherButNeverTwoToOneTarget(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, tt := range []struct{ targets, count, together int }{{1, 3, 1}, {3, 3, 3}, {100, 3, group}} {
		s := spread(start, tt.targets, tt.count, time.Second)
		sent := 0
		for wakes := 0; sent < s.total; wakes++ {
			due := s.due(s.wake(sent))
			if n := due - sent; n < 1 || n > tt.together {
				t.Fatalf("%d targets: wake %d sends %d echoes, want at most %d", tt.targets, wakes, n, tt.together)
			}
			sent = due
		}
	}
}

package main

import (
	"testing"
	"time"
)

func TestHistory(t *testing.T) {
	for name, c := range map[string]struct {
		rounds         [][]time.Duration
		sent, received uint32
		jitter         time.Duration
	}{
		"nothing":                   {nil, 0, 0, 0},
		"one answer has no jitter":  {[][]time.Duration{{5}}, 1, 1, 0},
		"steady":                    {[][]time.Duration{{5, 5, 5}}, 3, 3, 0},
		"over the end of a round":   {[][]time.Duration{{5, 7}, {5}}, 3, 3, 2},
		"lost ones between":         {[][]time.Duration{{5, lost, 9}, {lost, lost, lost}}, 6, 2, 4},
		"unsent ones are not lost":  {[][]time.Duration{{unsent, 5, unsent}}, 1, 1, 0},
		"nothing was sent":          {[][]time.Duration{{unsent}, {unsent}}, 0, 0, 0},
		"only the last twenty":      {[][]time.Duration{{lost, lost}, make19(5), {5}}, 20, 20, 0},
		"a round of more than that": {[][]time.Duration{append([]time.Duration{lost, lost}, append(make19(5), 5)...)}, 20, 20, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var h history
			for _, echoes := range c.rounds {
				h.add(echoes)
			}
			if sent, received, jitter := h.summary(); sent != c.sent || received != c.received || jitter != c.jitter {
				t.Errorf("%d sent, %d received, jitter %d", sent, received, jitter)
			}
			if cap(h.echoes) > 64 {
				t.Errorf("it keeps %d", cap(h.echoes))
			}
		})
	}
}

func make19(rtt time.Duration) []time.Duration {
	out := make([]time.Duration, 19)
	for i := range out {
		out[i] = rtt
	}
	return out
}

package main

import (
	"testing"
	"time"
)

func TestHistory(t *testing.T) {
	for name, c := range map[string]struct {
		rounds [][]time.Duration
		want   counts
	}{
		"nothing":                   {nil, counts{}},
		"one answer has no jitter":  {[][]time.Duration{{5}}, counts{1, 1, 0, 0}},
		"steady":                    {[][]time.Duration{{5, 5, 5}}, counts{3, 3, 0, 0}},
		"over the end of a round":   {[][]time.Duration{{5, 7}, {5}}, counts{3, 3, 0, 2}},
		"lost ones between":         {[][]time.Duration{{5, lost, 9}, {lost, lost, lost}}, counts{6, 2, 0, 4}},
		"late ones between":         {[][]time.Duration{{5, 101, 9}, {100, lost, 500}}, counts{6, 3, 2, 47}},
		"unsent ones are not lost":  {[][]time.Duration{{unsent, 5, unsent}}, counts{1, 1, 0, 0}},
		"nothing was sent":          {[][]time.Duration{{unsent}, {unsent}}, counts{}},
		"only the last twenty":      {[][]time.Duration{{lost, lost}, make19(5), {5}}, counts{20, 20, 0, 0}},
		"the older part of a round": {[][]time.Duration{{lost, 5}, make19(5)}, counts{20, 20, 0, 0}},
		"a round of more than that": {[][]time.Duration{append([]time.Duration{lost, lost}, append(make19(5), 5)...)}, counts{20, 20, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			var h history
			for n, echoes := range c.rounds {
				h.put(uint32(n+1), echoes)
			}
			if got := h.summary(100); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestHistoryTakesLaterOutcomesOfARound(t *testing.T) {
	var h history
	for n := range uint32(1000) {
		h.put(n+1, []time.Duration{lost, lost})
	}
	if got := h.length(); got != historyLength {
		t.Errorf("it keeps %d", got)
	}
	h.put(999, []time.Duration{5, 200}) // the replies of the last but one round came late
	h.put(3, []time.Duration{5, 5})     // too old to count
	if got, want := h.summary(100), (counts{20, 1, 1, 0}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	h.put(998, []time.Duration{5, 5})
	h.put(1001, []time.Duration{5, 5})
	if got, want := h.summary(100), (counts{20, 5, 1, 0}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func make19(rtt time.Duration) []time.Duration {
	out := make([]time.Duration, 19)
	for i := range out {
		out[i] = rtt
	}
	return out
}

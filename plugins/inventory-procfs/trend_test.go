package main

import (
	"math"
	"testing"
)

func near(t *testing.T, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 || math.IsNaN(got) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPressureTrend(t *testing.T) {
	tests := map[string]struct {
		in   []pressure
		want float64
	}{
		"no resource known":         {nil, 0},
		"idle":                      {[]pressure{{0, 0}, {0, 0}}, 0},
		"steady, however high":      {[]pressure{{0.9, 0.9}}, 0},
		"rising":                    {[]pressure{{0.5, 0.2}}, 0.3},
		"falling":                   {[]pressure{{0.1, 0.6}}, -0.5},
		"the worst resource counts": {[]pressure{{0.1, 0.1}, {0.8, 0.2}, {0, 0.1}}, 0.6},
		"one takes over from another: still steady": {[]pressure{{0.5, 0}, {0, 0.5}}, 0},
		"from idle to full":                         {[]pressure{{1, 0}}, 1},
		"from full to idle":                         {[]pressure{{0, 1}}, -1},
		"beyond what the kernel should say":         {[]pressure{{7, 0}}, 1},
		"not a number":                              {[]pressure{{math.NaN(), 0}}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { near(t, pressureTrend(tt.in...), tt.want) })
	}
}

func TestLoadTrend(t *testing.T) {
	tests := map[string]struct {
		load1, load5 float64
		cpus         int
		want         float64
	}{
		"steady":                  {3, 3, 4, 0},
		"rising by a CPU of four": {3, 2, 4, 0.25},
		"falling":                 {0, 1, 2, -0.5},
		"far more than the CPUs":  {100, 1, 4, 1},
		"far less":                {1, 100, 4, -1},
		"CPUs unknown":            {1, 0.5, 0, 0.5},
		"not a number":            {math.NaN(), 1, 1, 0},
		"infinite":                {math.Inf(1), 1, 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { near(t, loadTrend(tt.load1, tt.load5, tt.cpus), tt.want) })
	}
}

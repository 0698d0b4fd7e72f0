package main

import "math"

// pressure is the share of time in which some task had to wait for a resource, 0 … 1,
// averaged over the last ten and the last sixty seconds.
type pressure struct {
	short, long float64
}

// pressureTrend returns how saturation changes, from -1 (falling) to 1 (rising): the
// pressure of the last ten seconds minus that of the last sixty, each of the resource with
// the highest one. 0.3 means that the share of time in which tasks wait is now 30 points
// above the average of the minute.
func pressureTrend(resources ...pressure) float64 {
	var short, long float64
	for _, r := range resources {
		short, long = max(short, r.short), max(long, r.long)
	}
	return clamp(short - long)
}

// loadTrend returns the trend if the kernel counts no pressure: the load of one minute
// minus that of five, for each CPU.
func loadTrend(load1, load5 float64, cpus int) float64 {
	return clamp((load1 - load5) / float64(max(cpus, 1)))
}

// clamp limits v to -1 … 1. It returns 0 for NaN.
func clamp(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, -1), 1)
}

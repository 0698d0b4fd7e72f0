package main

import "math"

// pressure is how large a share of the time some task had to wait for a resource,
// 0 … 1, averaged over the last ten and the last sixty seconds.
type pressure struct {
	short, long float64
}

// pressureTrend says how saturation moves, -1 falling … 1 rising: the pressure of
// the last ten seconds less that of the last sixty, each taken from the resource
// that was waited for most. 0.3 means that tasks now wait 30 points more of the
// time than on the average of the minute.
func pressureTrend(resources ...pressure) float64 {
	var short, long float64
	for _, r := range resources {
		short, long = max(short, r.short), max(long, r.long)
	}
	return clamp(short - long)
}

// loadTrend is the trend where the kernel counts no pressure: the slope of the
// load from five minutes to one, for each CPU.
func loadTrend(load1, load5 float64, cpus int) float64 {
	return clamp((load1 - load5) / float64(max(cpus, 1)))
}

// clamp limits v to -1 … 1; what is not a number is no trend, 0.
func clamp(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, -1), 1)
}

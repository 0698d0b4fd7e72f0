package main

import (
	"math"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// This file is the whole formula: it alone defines scores and costs. It is pure, so the
// table in its test is its specification.
//
//	score = ∏ quality ^ (weight / sum of weights) × factors
//
// It is a weighted product and not a mean, because with a mean four good inputs would hide
// a full disk.

// reading is one measured number, or unknown.
type reading struct {
	value float64
	known bool
}

// facts is all that the formula uses of one node.
type facts struct {
	rtt      reading // seconds
	lost     bool    // locality probes get no answer from it, which is farther than any time
	load     reading // runnable processes, averaged over a minute
	busy     reading // load for each CPU, or the share of the CPUs it may use if that is more
	memFree  reading // share of the memory, 0 … 1
	diskFree reading // share of the disk, 0 … 1
	health   meshosv1.NodeHealth
	phase    meshosv1.MaintenancePhase
	cordoned bool
	avoided  bool
}

// formula holds the numbers of the configuration, all of them checked.
type formula struct {
	weightRTT, weightHealth, weightLoad, weightMemory, weightDisk float64

	rttHalf  float64 // round-trip time in seconds at which its quality is a half
	loadFull float64 // load at which its quality is a half
	busyFull float64 // the same of the load for each CPU
	memFree  float64 // share of free memory that is enough
	diskFree float64 // share of free disk that is enough

	degraded float64 // quality of degraded health
	unknown  float64 // quality of an unknown input

	cordoned, avoided, returning float64 // factors

	transfer, disruption time.Duration
	doubt                float64 // reliability factor of a target not known to be healthy
}

// resolution is the step to which scores are rounded. Finer differences are noise of the
// measurements: the best alternative would change all the time.
const resolution = 1000

// score returns the score of a node, from 0 to 1. It is never NaN.
func (p *formula) score(n facts) float64 {
	if hardZero(n) {
		return 0
	}
	var logs, weights float64
	add := func(weight, quality float64) {
		if weight <= 0 {
			return // an input without weight has no effect, even if its quality is 0
		}
		logs += weight * math.Log(quality)
		weights += weight
	}
	if n.lost {
		add(p.weightRTT, 0)
	} else {
		add(p.weightRTT, p.rttQuality(n.rtt))
	}
	add(p.weightHealth, p.healthQuality(n.health))
	add(p.weightLoad, p.loadQuality(n))
	add(p.weightMemory, p.freeQuality(n.memFree, p.memFree))
	add(p.weightDisk, p.freeQuality(n.diskFree, p.diskFree))
	if weights == 0 {
		return 0
	}
	s := math.Exp(logs/weights) * p.factor(n)
	return math.Round(min(1, max(0, s))*resolution) / resolution
}

// hardZero reports whether the score is 0 whatever else is known of a node: it is
// unreachable, or it hands over what it holds for maintenance.
func hardZero(n facts) bool {
	if n.health == meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE {
		return true
	}
	switch n.phase {
	case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ENTERING,
		meshosv1.MaintenancePhase_MAINTENANCE_PHASE_MAINTENANCE,
		meshosv1.MaintenancePhase_MAINTENANCE_PHASE_DRAIN_FAILED:
		return true
	}
	return false
}

// rttQuality falls from 1 towards 0, which it never reaches. It is 1/2 at rttHalf.
func (p *formula) rttQuality(rtt reading) float64 {
	if !rtt.known {
		return p.unknown
	}
	return 1 / (1 + rtt.value/p.rttHalf)
}

// loadQuality falls from 1 towards 0, which it never reaches. It is 1/2 at busyFull for each
// CPU or, if the number of CPUs is not known, at loadFull.
func (p *formula) loadQuality(n facts) float64 {
	switch {
	case n.busy.known:
		return 1 / (1 + n.busy.value/p.busyFull)
	case n.load.known:
		return 1 / (1 + n.load.value/p.loadFull)
	}
	return p.unknown
}

// freeQuality is 1 while enough is free. Below that it falls linearly, to 0 with nothing
// free.
func (p *formula) freeQuality(free reading, enough float64) float64 {
	if !free.known {
		return p.unknown
	}
	return min(1, free.value/enough)
}

func (p *formula) healthQuality(h meshosv1.NodeHealth) float64 {
	switch h {
	case meshosv1.NodeHealth_NODE_HEALTH_HEALTHY:
		return 1
	case meshosv1.NodeHealth_NODE_HEALTH_DEGRADED:
		return p.degraded
	case meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE:
		return 0
	}
	return p.unknown
}

// factor returns the product of the factors for the state of a node.
func (p *formula) factor(n facts) float64 {
	f := 1.0
	if n.cordoned {
		f *= p.cordoned
	}
	if n.avoided {
		f *= p.avoided
	}
	switch n.phase {
	case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_EXITING,
		meshosv1.MaintenancePhase_MAINTENANCE_PHASE_RECOVERY:
		f *= p.returning
	}
	return f
}

// cost estimates the cost of moving one chain to the node. The transfer takes longer the
// farther away the node is, the disruption does not.
func (p *formula) cost(target facts) (transfer, disruption time.Duration, reliability float64) {
	stretch := min(1/p.rttQuality(target.rtt), maxStretch)
	transfer = time.Duration(float64(p.transfer) * stretch)
	reliability = 1
	if target.health != meshosv1.NodeHealth_NODE_HEALTH_HEALTHY {
		reliability = p.doubt
	}
	return transfer, p.disruption, reliability
}

// maxStretch limits the factor of the transfer estimate, so that an impossible round-trip
// time can't overflow a duration.
const maxStretch = 1000

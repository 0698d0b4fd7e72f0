package main

import (
	"math"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// This file is the whole formula: nothing outside it decides what a score or a
// cost is. It is pure, so the table in its test is its specification.
//
//	score = ∏ quality ^ (weight / sum of weights) × factors
//
// The product is weighted rather than a mean, because a mean lets four good
// inputs hide a full disk.

// reading is one measured number, or the fact that nobody measured it.
type reading struct {
	value float64
	known bool
}

// facts is all the formula looks at of one node.
type facts struct {
	rtt      reading // seconds
	load     reading // runnable processes, averaged over a minute
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

	rttHalf  float64 // seconds at which the quality of the round trip is a half
	loadFull float64 // load at which its quality is a half
	memFree  float64 // share of free memory from which on there is enough
	diskFree float64 // share of free disk from which on there is enough

	degraded float64 // quality of degraded health
	unknown  float64 // quality of anything nobody measured

	cordoned, avoided, returning float64 // factors

	transfer, disruption time.Duration
	doubt                float64 // reliability factor of a target not known to be healthy
}

// resolution is the step scores are rounded to. What is finer is noise of the
// measurements, and would make the best alternative flap.
const resolution = 1000

// score rates a node from 0 to 1. It is never NaN.
func (p *formula) score(n facts) float64 {
	if hardZero(n) {
		return 0
	}
	var logs, weights float64
	add := func(weight, quality float64) {
		if weight <= 0 {
			return // an input without weight can't veto either
		}
		logs += weight * math.Log(quality)
		weights += weight
	}
	add(p.weightRTT, p.rttQuality(n.rtt))
	add(p.weightHealth, p.healthQuality(n.health))
	add(p.weightLoad, p.loadQuality(n.load))
	add(p.weightMemory, p.freeQuality(n.memFree, p.memFree))
	add(p.weightDisk, p.freeQuality(n.diskFree, p.diskFree))
	if weights == 0 {
		return 0
	}
	s := math.Exp(logs/weights) * p.factor(n)
	return math.Round(min(1, max(0, s))*resolution) / resolution
}

// hardZero reports whether a node is out of the question whatever else is known of
// it: nobody reaches it, or it gives away what it holds.
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

// rttQuality falls from 1 without ever reaching 0: 1/2 at rttHalf.
func (p *formula) rttQuality(rtt reading) float64 {
	if !rtt.known {
		return p.unknown
	}
	return 1 / (1 + rtt.value/p.rttHalf)
}

// loadQuality falls from 1 without ever reaching 0: 1/2 at loadFull.
func (p *formula) loadQuality(load reading) float64 {
	if !load.known {
		return p.unknown
	}
	return 1 / (1 + load.value/p.loadFull)
}

// freeQuality is 1 while enough is free and falls straight to 0 at nothing.
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

// factor multiplies what an operator or the node's own state holds against it.
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

// cost estimates what moving one chain to the node takes: the transfer takes
// longer the further away the node is, the disruption does not.
func (p *formula) cost(target facts) (transfer, disruption time.Duration, reliability float64) {
	stretch := min(1/p.rttQuality(target.rtt), maxStretch)
	transfer = time.Duration(float64(p.transfer) * stretch)
	reliability = 1
	if target.health != meshosv1.NodeHealth_NODE_HEALTH_HEALTHY {
		reliability = p.doubt
	}
	return transfer, p.disruption, reliability
}

// maxStretch bounds how often the transfer estimate is multiplied, so that an
// absurd round trip can't overflow a duration.
const maxStretch = 1000

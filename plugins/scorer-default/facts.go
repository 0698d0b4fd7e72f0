package main

import (
	"math"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// factsOf returns the facts of one node in the host's view. What is absent, negative or not
// a number is unknown.
//
// The host measures neither round-trip time nor health of its own node. For self they are
// 0 and healthy.
func factsOf(n *pluginv1.NodeView, self bool) facts {
	peer := n.GetPeer()
	inventory := peer.GetInventory()
	f := facts{
		health:   peer.GetHealth(),
		phase:    peer.GetMaintenance(),
		cordoned: peer.GetCordoned(),
		avoided:  n.GetAvoided(),
	}
	if rtt := peer.GetRtt(); rtt != nil && rtt.CheckValid() == nil {
		f.rtt = atLeastZero(float64(rtt.GetSeconds()) + float64(rtt.GetNanos())/1e9)
	}
	f.lost = peer.GetEchoes().GetState() == meshosv1.EchoView_STATE_LOST
	if self {
		f.rtt = reading{value: 0, known: true}
		f.health = meshosv1.NodeHealth_NODE_HEALTH_HEALTHY
	}
	if inventory == nil {
		return f
	}
	if inventory.CpuLoad_1M != nil {
		f.load = atLeastZero(inventory.GetCpuLoad_1M())
	}
	if inventory.LoadPerCpu != nil {
		f.busy = atLeastZero(inventory.GetLoadPerCpu())
	}
	// Of a node that is limited, the load of the machine says little.
	if used := atLeastZero(inventory.GetCpusUsed() / inventory.GetCpus()); inventory.CpusUsed != nil && used.known {
		f.busy = reading{value: max(f.busy.value, used.value), known: true}
	}
	f.memFree = freeShare(inventory.MemUsedBytes, inventory.MemTotalBytes)
	f.diskFree = freeShare(inventory.DiskUsedBytes, inventory.DiskTotalBytes)
	// A disk without free inodes takes no file, whatever space it has.
	if inodes := freeShare(inventory.DiskInodesUsed, inventory.DiskInodesTotal); inodes.known && f.diskFree.known {
		f.diskFree.value = min(f.diskFree.value, inodes.value)
	}
	return f
}

// atLeastZero returns v as a reading. It is unknown if v is negative, NaN or infinite.
func atLeastZero(v float64) reading {
	if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return reading{}
	}
	return reading{value: v, known: true}
}

// freeShare returns which share of total is not used. It is unknown unless both numbers are
// there and total is not 0.
func freeShare(used, total *uint64) reading {
	if used == nil || total == nil || *total == 0 {
		return reading{}
	}
	if *used >= *total {
		return reading{value: 0, known: true}
	}
	return reading{value: float64(*total-*used) / float64(*total), known: true}
}

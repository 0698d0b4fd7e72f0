package scoring

import (
	"math"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

func TestB10_WhatCountsAsAChangedInput(t *testing.T) {
	const ms = time.Millisecond
	rtt := func(d time.Duration) Node { return Node{Peer: snapshot.Peer{Node: 2, RTT: d, HasRTT: true}} }
	stock := func(i mesh.Inventory) Node { return Node{Peer: snapshot.Peer{Node: 2, Inventory: &i}} }
	load := func(l float64) Node { return stock(mesh.Inventory{CPULoad1m: &l}) }
	mem := func(used, total uint64) Node {
		return stock(mesh.Inventory{MemUsedBytes: &used, MemTotalBytes: &total})
	}
	disk := func(used, total uint64) Node {
		return stock(mesh.Inventory{DiskUsedBytes: &used, DiskTotalBytes: &total})
	}
	trend := func(f float32) Node { return stock(mesh.Inventory{SaturationTrend: &f}) }
	peer := func(p snapshot.Peer) Node { return Node{Peer: p} }
	for _, c := range []struct {
		name      string
		base, now Node
		want      change
	}{
		{"nothing", rtt(20 * ms), rtt(20 * ms), same},
		{"rtt within a quarter", rtt(20 * ms), rtt(25 * ms), jitter},
		{"rtt beyond a quarter", rtt(20 * ms), rtt(25*ms + 1), moved},
		{"rtt a quarter less", rtt(20 * ms), rtt(15 * ms), jitter},
		{"rtt less than that", rtt(20 * ms), rtt(15*ms - 1), moved},
		{"a small rtt that doubles", rtt(ms / 2), rtt(ms), jitter},
		{"a small rtt, a millisecond more", rtt(ms / 2), rtt(ms/2 + ms), jitter},
		{"a small rtt, more than that", rtt(ms / 2), rtt(ms/2 + ms + 1), moved},
		{"rtt becomes known", peer(snapshot.Peer{Node: 2}), rtt(ms), moved},
		{"rtt is lost", rtt(ms), peer(snapshot.Peer{Node: 2}), moved},
		{"health", peer(snapshot.Peer{Health: mesh.HealthHealthy}), peer(snapshot.Peer{Health: mesh.HealthDegraded}), factChanged},
		{"maintenance", peer(snapshot.Peer{}), peer(snapshot.Peer{Maintenance: mesh.PhaseEntering}), factChanged},
		{"cordon", peer(snapshot.Peer{}), peer(snapshot.Peer{Cordoned: true}), factChanged},
		{"avoid", Node{}, Node{Avoided: true}, factChanged},
		{"name", peer(snapshot.Peer{}), peer(snapshot.Peer{Name: "a"}), factChanged},
		{"an inventory comes", Node{}, load(1), moved},
		{"an inventory goes", load(1), Node{}, moved},
		{"the same inventory measured again", load(1), load(1), same},
		{"load within one", load(0.1), load(1.1), jitter},
		{"load beyond one", load(0.1), load(1.2), moved},
		{"load within a quarter", load(40), load(50), jitter},
		{"load beyond a quarter", load(40), load(50.1), moved},
		{"load stays no number", load(math.NaN()), load(math.NaN()), same},
		{"load becomes no number", load(1), load(math.NaN()), moved},
		{"load is lost", load(1), stock(mesh.Inventory{}), moved},
		{"memory within a quarter of the free", mem(50, 100), mem(60, 100), jitter},
		{"memory beyond a quarter of the free", mem(50, 100), mem(65, 100), moved},
		{"the last memory goes", mem(97, 100), mem(100, 100), moved},
		{"memory of unknown size", mem(50, 100), mem(50, 0), moved},
		{"other numbers, same share", mem(50, 100), mem(500, 1000), jitter},
		{"disk within 2 %", disk(96, 100), disk(98, 100), jitter},
		{"disk beyond 2 %", disk(96, 100), disk(99, 100), moved},
		{"load for each CPU within", stock(mesh.Inventory{LoadPerCPU: ptr(0.5)}), stock(mesh.Inventory{LoadPerCPU: ptr(0.75)}), jitter},
		{"load for each CPU beyond", stock(mesh.Inventory{LoadPerCPU: ptr(0.5)}), stock(mesh.Inventory{LoadPerCPU: ptr(0.8)}), moved},
		{"another limit", stock(mesh.Inventory{CPUs: ptr(2.0)}), stock(mesh.Inventory{CPUs: ptr(1.5)}), moved},
		{"the last inodes go", stock(mesh.Inventory{DiskInodesUsed: ptr(uint64(97)), DiskInodesTotal: ptr(uint64(100))}), stock(mesh.Inventory{DiskInodesUsed: ptr(uint64(100)), DiskInodesTotal: ptr(uint64(100))}), moved},
		{"a temperature", stock(mesh.Inventory{Temperatures: []mesh.Temperature{{Celsius: 40}}}), stock(mesh.Inventory{Temperatures: []mesh.Temperature{{Celsius: 41}}}), jitter},
		{"a busy GPU", stock(mesh.Inventory{GPUs: []mesh.GPU{{BusyPercent: ptr(uint32(1))}}}), stock(mesh.Inventory{GPUs: []mesh.GPU{{BusyPercent: ptr(uint32(2))}}}), jitter},
		{"the same GPU", stock(mesh.Inventory{GPUs: []mesh.GPU{{BusyPercent: ptr(uint32(1))}}}), stock(mesh.Inventory{GPUs: []mesh.GPU{{BusyPercent: ptr(uint32(1))}}}), same},
		{"the age of a fact", stock(mesh.Inventory{}), stock(mesh.Inventory{Ages: mesh.FactAges{1: time.Minute}}), same},
		{"trend within", trend(0), trend(0.25), jitter},
		{"trend beyond", trend(0), trend(0.5), moved},
		{"a capability", stock(mesh.Inventory{}), stock(mesh.Inventory{Capabilities: []string{"gpu"}}), factChanged},
		{"a version", stock(mesh.Inventory{}), stock(mesh.Inventory{SoftwareVersion: ptr("2")}), factChanged},
		{"a fork", stock(mesh.Inventory{}), stock(mesh.Inventory{ForkedFrom: ptr(mesh.NodeID(1))}), factChanged},
		{"the most counts", rtt(20 * ms), peer(snapshot.Peer{Node: 2, RTT: time.Second, HasRTT: true, Cordoned: true}), factChanged},
	} {
		t.Run(c.name, func(t *testing.T) {
			now, base := c.now.sent(), c.base.sent()
			if got := now.since(&base); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

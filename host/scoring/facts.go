package scoring

import (
	"math"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// change is how much a node differs from what the scorer has of it.
//
// Measurements never stand still, so each has a dead band around the value that the
// scorer has. (With fixed buckets a value would flap at their edges.) A difference
// within the band is jitter and waits for the next decision interval:
//
//	round trip         a quarter of it, and 1 ms
//	load               a quarter of it, and 1
//	load for each CPU  a quarter of it, and 0.25
//	busy CPUs          a quarter of them, and 0.5
//	memory, disk       a quarter of the free share, and 2 % of the whole; inodes likewise
//	saturation trend   0.25
//	devices            any change of what they show
//
// A measurement that begins or ceases to be known has moved, and so has a number of CPUs that
// changed. Everything else (name, health, lost or not, maintenance, cordon, drain, avoid, labels,
// capabilities, version, fork) is exact. How old a measurement is makes no difference.
type change uint8

const (
	same        change = iota
	jitter             // measurements changed, within the dead bands
	moved              // a measurement changed beyond its dead band
	factChanged        // something that is exact changed
)

const (
	band    = 0.25 // share of the value that the scorer has
	rttBand = float64(time.Millisecond)
)

// sent is what of a node is compared with what the scorer has.
type sent struct {
	exact     exact
	hasRTT    bool
	rtt       time.Duration // meaningful with hasRTT
	inventory *mesh.Inventory
	member    *snapshot.Member
}

type exact struct {
	name              string
	health            mesh.NodeHealth
	echo              snapshot.EchoState
	maintenance       mesh.MaintenancePhase
	cordoned, avoided bool
	draining          bool
}

func (n *Node) sent() sent {
	p := &n.Peer
	return sent{
		exact:  exact{p.Name, p.Health, p.Echo, p.Maintenance, p.Cordoned, n.Avoided, p.Draining},
		hasRTT: p.HasRTT, rtt: p.RTT, inventory: p.Inventory, member: p.Member,
	}
}

// since returns how much a node differs from what the scorer has.
func (now *sent) since(base *sent) change {
	if now.exact != base.exact {
		return factChanged
	}
	c := max(drift(base.known(), now.known(), rttBand), memberChange(base.member, now.member))
	if now.inventory == base.inventory {
		return c
	}
	return max(c, inventoryChange(base.inventory, now.inventory))
}

// memberChange compares what the mesh says of a node.
func memberChange(old, now *snapshot.Member) change {
	switch {
	case old == now:
		return same
	case old == nil || now == nil || old.Gone != now.Gone || (old.Summary == nil) != (now.Summary == nil):
		return factChanged
	case now.Summary == nil:
		return same
	case !slices.Equal(old.Summary.Labels, now.Summary.Labels) || old.Summary.ChainsMost != now.Summary.ChainsMost:
		return factChanged
	}
	return exactly(old.Summary.ChainsHeld == now.Summary.ChainsHeld, jitter)
}

// known returns the round-trip time; nil if it is unknown.
func (now *sent) known() *time.Duration {
	if !now.hasRTT {
		return nil
	}
	return &now.rtt
}

// inventoryChange compares what is known of a node's machine.
func inventoryChange(old, now *mesh.Inventory) change {
	if old == nil || now == nil {
		return moved
	}
	if !slices.Equal(old.Capabilities, now.Capabilities) || !equal(old.SoftwareVersion, now.SoftwareVersion) ||
		!equal(old.ForkedFrom, now.ForkedFrom) {
		return factChanged
	}
	return max(
		drift(old.CPULoad1m, now.CPULoad1m, 1),
		freeSpace(old.MemUsedBytes, old.MemTotalBytes, now.MemUsedBytes, now.MemTotalBytes),
		freeSpace(old.DiskUsedBytes, old.DiskTotalBytes, now.DiskUsedBytes, now.DiskTotalBytes),
		freeSpace(old.MachineMemUsedBytes, old.MachineMemTotalBytes, now.MachineMemUsedBytes, now.MachineMemTotalBytes),
		freeSpace(old.DiskInodesUsed, old.DiskInodesTotal, now.DiskInodesUsed, now.DiskInodesTotal),
		trend(old.SaturationTrend, now.SaturationTrend),
		drift(old.LoadPerCPU, now.LoadPerCPU, 0.25),
		drift(old.CPUsUsed, now.CPUsUsed, 0.5),
		drift(old.MachineCPUsUsed, now.MachineCPUsUsed, 0.5),
		exactly(equal(old.CPUs, now.CPUs) && equal(old.MachineCPUs, now.MachineCPUs), moved),
		exactly(sameDevices(old, now), jitter),
	)
}

// exactly returns same, or what a change is.
func exactly(unchanged bool, otherwise change) change {
	if unchanged {
		return same
	}
	return otherwise
}

// sameDevices reports whether two inventories have the same parts, and the same readings of
// them.
func sameDevices(old, now *mesh.Inventory) bool {
	return slices.Equal(old.Disks, now.Disks) && slices.Equal(old.Temperatures, now.Temperatures) &&
		slices.Equal(old.Links, now.Links) && slices.EqualFunc(old.GPUs, now.GPUs, func(a, b mesh.GPU) bool {
		busy := equal(a.BusyPercent, b.BusyPercent)
		a.BusyPercent, b.BusyPercent = nil, nil
		return busy && a == b
	})
}

// drift compares two measurements, with a dead band that is a share of the old one and
// at least least.
func drift[T ~int64 | ~float64](old, now *T, least float64) change {
	switch {
	case old == nil && now == nil:
		return same
	case old == nil || now == nil:
		return moved
	}
	return within(float64(*old), float64(*now), max(least, band*math.Abs(float64(*old))))
}

func trend(old, now *float32) change {
	switch {
	case old == nil && now == nil:
		return same
	case old == nil || now == nil:
		return moved
	}
	return within(float64(*old), float64(*now), band)
}

// freeSpace compares how much is free.
func freeSpace(oldUsed, oldTotal, used, total *uint64) change {
	if equal(oldUsed, used) && equal(oldTotal, total) {
		return same
	}
	was, knew := freeShare(oldUsed, oldTotal)
	is, knows := freeShare(used, total)
	if knew != knows {
		return moved
	}
	return max(jitter, within(was, is, max(0.02, band*was)))
}

// freeShare returns the share of total that is not used.
func freeShare(used, total *uint64) (share float64, known bool) {
	if used == nil || total == nil || *total == 0 {
		return 0, false
	}
	if *used >= *total {
		return 0, true
	}
	return float64(*total-*used) / float64(*total), true
}

// within compares two numbers with a dead band of most. Two that are not numbers are
// the same.
func within(old, now, most float64) change {
	switch {
	case old == now || math.IsNaN(old) && math.IsNaN(now):
		return same
	case math.Abs(now-old) <= most:
		return jitter
	}
	return moved
}

func equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

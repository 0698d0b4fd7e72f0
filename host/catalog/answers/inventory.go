package answers

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	capabilitiesMax = 1000 // of one node
	capabilityMax   = 256  // bytes of one, of a software version, and of the name of a device
	pathMax         = 4096 // bytes
	devicesMax      = 1000 // of each kind
	absoluteZero    = -273.15
)

// Inventory returns the inventories that can be true. One of this node may be among
// them.
func Inventory(in *pluginv1.InventorySamples, peers *Peers) (mesh.InventoryAnswer, Discarded) {
	var bad Discarded
	out := mesh.InventoryAnswer{Samples: make([]mesh.Inventory, 0, len(in.GetSamples())), Complete: in.GetComplete()}
	nodes := newSubjects(peers)
	for _, sample := range in.GetSamples() {
		inventory, err := wire.InventoryFromProto(sample)
		if err != nil {
			bad.Add("malformed inventory", "peer %d: %v", sample.GetPeer(), err)
			continue
		}
		if reason := impossible(inventory); reason != "" {
			bad.Add(reason, "peer %d", inventory.Node)
			continue
		}
		good := false
		if inventory.Node == peers.self {
			good = nodes.takeSelf(&bad)
		} else {
			good = nodes.take(inventory.Node, &bad)
		}
		if good {
			out.Samples = append(out.Samples, inventory)
		}
	}
	return out, bad
}

// impossible returns what in an inventory can't be true, or "". That its numbers are
// finite was checked before.
func impossible(in mesh.Inventory) string {
	switch {
	case negative(in.CPULoad1m), negative(in.LoadPerCPU):
		return "negative load"
	case in.SaturationTrend != nil && (*in.SaturationTrend < -1 || *in.SaturationTrend > 1):
		return "saturation trend outside of -1 … 1"
	case above(in.MemUsedBytes, in.MemTotalBytes), above(in.MachineMemUsedBytes, in.MachineMemTotalBytes):
		return "more memory used than there is"
	case above(in.DiskUsedBytes, in.DiskTotalBytes):
		return "more disk used than there is"
	case above(in.DiskInodesUsed, in.DiskInodesTotal):
		return "more inodes used than there are"
	case negative(in.CPUs), negative(in.CPUsUsed), negative(in.MachineCPUsUsed):
		return "a negative number of CPUs"
	case len(in.Capabilities) > capabilitiesMax:
		return "too many capabilities"
	case in.SoftwareVersion != nil && len(*in.SoftwareVersion) > capabilityMax:
		return "software version too long"
	}
	for _, c := range in.Capabilities {
		if len(c) > capabilityMax {
			return "capability too long"
		}
	}
	return impossibleDevice(in)
}

// impossibleDevice returns what can't be true of the parts of a machine, or "".
func impossibleDevice(in mesh.Inventory) string {
	if max(len(in.Disks), len(in.Temperatures), len(in.Links), len(in.GPUs)) > devicesMax {
		return "too many devices"
	}
	for _, d := range in.Disks {
		switch {
		case len(d.Path) > pathMax || len(d.Device) > capabilityMax:
			return "name of a disk too long"
		case d.UsedBytes > d.TotalBytes:
			return "more disk used than there is"
		case d.InodesUsed > d.InodesTotal && d.InodesTotal > 0:
			return "more inodes used than there are"
		}
	}
	for _, t := range in.Temperatures {
		switch {
		case len(t.Sensor) > capabilityMax:
			return "name of a sensor too long"
		case t.Celsius < absoluteZero || t.Critical < absoluteZero:
			return "temperature below absolute zero"
		}
	}
	for _, l := range in.Links {
		if len(l.Name) > capabilityMax {
			return "name of a link too long"
		}
	}
	for _, g := range in.GPUs {
		switch {
		case max(len(g.Address), len(g.Vendor), len(g.Device), len(g.Driver)) > capabilityMax:
			return "name of a GPU too long"
		case g.MemUsedBytes > g.MemTotalBytes && g.MemTotalBytes > 0:
			return "more memory used than there is"
		}
	}
	return ""
}

func negative(v *float64) bool { return v != nil && *v < 0 }

func above(used, total *uint64) bool { return used != nil && total != nil && *used > *total }

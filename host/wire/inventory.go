package wire

import (
	"slices"
	"strconv"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// InventoryFromProto checks and converts what a probe knows about one node. It sorts the
// capabilities and removes duplicates. The error is a *FieldError.
func InventoryFromProto(in *meshosv1.PeerInventory) (mesh.Inventory, error) {
	var f fields
	out := mesh.Inventory{Node: mesh.NodeID(f.id("peer", in.GetPeer()))}
	if f.err != nil {
		return mesh.Inventory{}, f.err
	}
	if in.CpuLoad_1M != nil {
		f.finite("cpu_load_1m", in.GetCpuLoad_1M())
	}
	if in.SaturationTrend != nil {
		f.finite("saturation_trend", float64(in.GetSaturationTrend()))
	}
	if in.SoftwareVersion != nil {
		f.text("software_version", in.GetSoftwareVersion())
	}
	out.CPULoad1m = copied(in.CpuLoad_1M)
	out.MemUsedBytes = copied(in.MemUsedBytes)
	out.MemTotalBytes = copied(in.MemTotalBytes)
	out.DiskUsedBytes = copied(in.DiskUsedBytes)
	out.DiskTotalBytes = copied(in.DiskTotalBytes)
	out.SaturationTrend = copied(in.SaturationTrend)
	out.SoftwareVersion = copied(in.SoftwareVersion)
	out.Capabilities = f.capabilities(in.GetCapabilities())
	f.cpus(in, &out)
	out.MachineMemUsedBytes = copied(in.MachineMemUsedBytes)
	out.MachineMemTotalBytes = copied(in.MachineMemTotalBytes)
	out.DiskInodesUsed = copied(in.DiskInodesUsed)
	out.DiskInodesTotal = copied(in.DiskInodesTotal)
	f.devices(in, &out)
	f.ages(in, &out)
	if id := f.optionalID("forked_from", in.ForkedFrom); id != 0 {
		fork := mesh.NodeID(id)
		out.ForkedFrom = &fork
	}
	if f.err != nil {
		return mesh.Inventory{}, f.err
	}
	return out, nil
}

func (f *fields) capabilities(in []string) []string {
	if len(in) == 0 {
		return nil
	}
	for i, capability := range in {
		f.text("capabilities["+strconv.Itoa(i)+"]", capability)
	}
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}

// InventoryToProto converts what is known about one node.
func InventoryToProto(in mesh.Inventory) *meshosv1.PeerInventory {
	out := &meshosv1.PeerInventory{
		Peer:            uint64(in.Node),
		CpuLoad_1M:      copied(in.CPULoad1m),
		MemUsedBytes:    copied(in.MemUsedBytes),
		MemTotalBytes:   copied(in.MemTotalBytes),
		DiskUsedBytes:   copied(in.DiskUsedBytes),
		DiskTotalBytes:  copied(in.DiskTotalBytes),
		SaturationTrend: copied(in.SaturationTrend),
		Capabilities:    validAll(in.Capabilities),

		LoadPerCpu:           copied(in.LoadPerCPU),
		Cpus:                 copied(in.CPUs),
		CpusUsed:             copied(in.CPUsUsed),
		MachineCpus:          copied(in.MachineCPUs),
		MachineCpusUsed:      copied(in.MachineCPUsUsed),
		MachineMemUsedBytes:  copied(in.MachineMemUsedBytes),
		MachineMemTotalBytes: copied(in.MachineMemTotalBytes),
		DiskInodesUsed:       copied(in.DiskInodesUsed),
		DiskInodesTotal:      copied(in.DiskInodesTotal),
		Disks:                disksToProto(in.Disks),
		Temperatures:         temperaturesToProto(in.Temperatures),
		Links:                linksToProto(in.Links),
		Gpus:                 gpusToProto(in.GPUs),
		Ages:                 agesToProto(in.Ages),
	}
	if in.SoftwareVersion != nil {
		version := valid(*in.SoftwareVersion)
		out.SoftwareVersion = &version
	}
	if in.ForkedFrom != nil {
		out.ForkedFrom = orAbsent(*in.ForkedFrom)
	}
	return out
}

// copied returns a pointer to a copy, so that a message and the value made from it share
// nothing.
func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	out := *p
	return &out
}

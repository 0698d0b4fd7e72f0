package metrics

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// machine is the inventory of this node's machine, and of what the node may use of it.
type machine struct {
	load, trend                                  family
	cpus, cpusUsed, nodeCPUs, nodeCPUsUsed       family
	memoryUsed, memoryTotal                      family
	nodeMemoryUsed, nodeMemoryTotal              family
	diskUsed, diskTotal, inodesUsed, inodesTotal family

	devices devices
}

const absent = "; absent while it is unknown."

func newMachine() *machine {
	return &machine{
		load:            gauge("machine_load1", "Load of this machine over one minute"+absent),
		trend:           gauge("machine_saturation_trend", "How the load of this machine develops, from -1 (falling) to 1 (rising)"+absent),
		cpus:            gauge("machine_cpus", "CPUs of this machine"+absent),
		cpusUsed:        gauge("machine_cpus_used", "How many CPUs of this machine are busy"+absent),
		nodeCPUs:        gauge("node_cpus", "CPUs that the node may use, where its control group is limited those"+absent),
		nodeCPUsUsed:    gauge("node_cpus_used", "How many of the CPUs that the node may use are busy"+absent),
		memoryUsed:      gauge("machine_memory_used_bytes", "Memory of this machine that is used"+absent),
		memoryTotal:     gauge("machine_memory_size_bytes", "Memory of this machine"+absent),
		nodeMemoryUsed:  gauge("node_memory_used_bytes", "How much of the memory that the node may use is used"+absent),
		nodeMemoryTotal: gauge("node_memory_size_bytes", "Memory that the node may use, where its control group is limited that"+absent),
		diskUsed:        gauge("machine_disk_used_bytes", "Disk space of this machine that is used, of the fullest file system"+absent),
		diskTotal:       gauge("machine_disk_size_bytes", "Disk space of this machine that users may use, of the fullest file system"+absent),
		inodesUsed:      gauge("machine_disk_inodes_used", "Inodes that are used, of the file system with the smallest free share"+absent),
		inodesTotal:     gauge("machine_disk_inodes", "Inodes of the file system with the smallest free share"+absent),
		devices:         newDevices(),
	}
}

func (m *machine) families() []family {
	return append([]family{
		m.load, m.trend, m.cpus, m.cpusUsed, m.nodeCPUs, m.nodeCPUsUsed, m.memoryUsed, m.memoryTotal,
		m.nodeMemoryUsed, m.nodeMemoryTotal, m.diskUsed, m.diskTotal, m.inodesUsed, m.inodesTotal,
	}, m.devices.families()...)
}

func (m *machine) collect(out scrape, snap *snapshot.Snapshot) {
	if self, _ := snap.Peers.Get(snap.Node); self.Inventory != nil {
		here := self.Inventory
		setIf(out, m.load, here.CPULoad1m, 1)
		setIf(out, m.trend, here.SaturationTrend, 1)
		setIf(out, m.cpus, here.MachineCPUs, 1)
		setIf(out, m.cpusUsed, here.MachineCPUsUsed, 1)
		setIf(out, m.nodeCPUs, here.CPUs, 1)
		setIf(out, m.nodeCPUsUsed, here.CPUsUsed, 1)
		used, total := machineMemory(here)
		setIf(out, m.memoryUsed, used, 1)
		setIf(out, m.memoryTotal, total, 1)
		setIf(out, m.nodeMemoryUsed, here.MemUsedBytes, 1)
		setIf(out, m.nodeMemoryTotal, here.MemTotalBytes, 1)
		setIf(out, m.diskUsed, here.DiskUsedBytes, 1)
		setIf(out, m.diskTotal, here.DiskTotalBytes, 1)
		setIf(out, m.inodesUsed, here.DiskInodesUsed, 1)
		setIf(out, m.inodesTotal, here.DiskInodesTotal, 1)
		m.devices.collect(out, here)
	}
}

// machineMemory returns the memory of the whole machine. A probe that does not tell it from
// what the node may use knows no limits.
func machineMemory(in *mesh.Inventory) (used, total *uint64) {
	if in.MachineMemTotalBytes == nil {
		return in.MemUsedBytes, in.MemTotalBytes
	}
	return in.MachineMemUsedBytes, in.MachineMemTotalBytes
}

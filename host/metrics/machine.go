package metrics

import "github.com/meshos/meshos/host/snapshot"

// machine is the inventory of this node's machine.
type machine struct {
	load, memoryUsed, memoryTotal, diskUsed, diskTotal, trend family
}

func newMachine() *machine {
	const absent = "; absent while it is unknown."
	return &machine{
		load:        gauge("machine_load1", "Load of this machine over one minute"+absent),
		memoryUsed:  gauge("machine_memory_used_bytes", "Memory of this machine that is used"+absent),
		memoryTotal: gauge("machine_memory_size_bytes", "Memory of this machine"+absent),
		diskUsed:    gauge("machine_disk_used_bytes", "Disk space of this machine that is used"+absent),
		diskTotal:   gauge("machine_disk_size_bytes", "Disk space of this machine"+absent),
		trend:       gauge("machine_saturation_trend", "How the load of this machine develops, from -1 (falling) to 1 (rising)"+absent),
	}
}

func (m *machine) families() []family {
	return []family{m.load, m.memoryUsed, m.memoryTotal, m.diskUsed, m.diskTotal, m.trend}
}

func (m *machine) collect(out scrape, snap *snapshot.Snapshot) {
	for i := range snap.Peers {
		here := snap.Peers[i].Inventory
		if snap.Peers[i].Node != snap.Node || here == nil {
			continue
		}
		setIf(out, m.load, here.CPULoad1m, 1)
		setIf(out, m.memoryUsed, here.MemUsedBytes, 1)
		setIf(out, m.memoryTotal, here.MemTotalBytes, 1)
		setIf(out, m.diskUsed, here.DiskUsedBytes, 1)
		setIf(out, m.diskTotal, here.DiskTotalBytes, 1)
		setIf(out, m.trend, here.SaturationTrend, 1)
	}
}

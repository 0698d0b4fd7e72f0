package metrics

import "github.com/meshos/meshos/host/mesh"

// devices are the parts of this node's machine.
type devices struct {
	diskUsed, diskTotal                         family
	temperature                                 family
	linkUp, linkSpeed, linkErrors, linkDrops    family
	gpu, gpuMemoryUsed, gpuMemoryTotal, gpuBusy family
}

func newDevices() devices {
	return devices{
		diskUsed:       gauge("machine_filesystem_used_bytes", "Space that is used of each file system that is watched.", "path"),
		diskTotal:      gauge("machine_filesystem_size_bytes", "Space of each file system that users may use.", "path"),
		temperature:    gauge("machine_temperature_celsius", "What each temperature sensor shows.", "sensor"),
		linkUp:         gauge("machine_link_up", "1 for a network link that has a carrier.", "link"),
		linkSpeed:      gauge("machine_link_speed_bytes", "Bytes per second that a network link can carry; absent while it is down or does not tell.", "link"),
		linkErrors:     counter("machine_link_errors_total", "Packets with errors on a network link.", "link", "direction"),
		linkDrops:      counter("machine_link_dropped_total", "Packets that were dropped at a network link.", "link", "direction"),
		gpu:            gauge("machine_gpu_info", "1 for each GPU.", "gpu", "vendor", "device", "driver"),
		gpuMemoryUsed:  gauge("machine_gpu_memory_used_bytes", "Memory of a GPU that is used, where its driver tells.", "gpu"),
		gpuMemoryTotal: gauge("machine_gpu_memory_size_bytes", "Memory of a GPU, where its driver tells.", "gpu"),
		gpuBusy:        gauge("machine_gpu_busy_ratio", "How busy a GPU is, from 0 to 1, where its driver tells.", "gpu"),
	}
}

func (d *devices) families() []family {
	return []family{
		d.diskUsed, d.diskTotal, d.temperature, d.linkUp, d.linkSpeed, d.linkErrors, d.linkDrops,
		d.gpu, d.gpuMemoryUsed, d.gpuMemoryTotal, d.gpuBusy,
	}
}

func (d *devices) collect(out scrape, in *mesh.Inventory) {
	first := make(map[string]bool) // of a name that a probe says twice only the first counts
	for _, disk := range in.Disks {
		if once(first, "disk", disk.Path) {
			out.set(d.diskUsed, float64(disk.UsedBytes), disk.Path)
			out.set(d.diskTotal, float64(disk.TotalBytes), disk.Path)
		}
	}
	for _, t := range in.Temperatures {
		if once(first, "sensor", t.Sensor) {
			out.set(d.temperature, t.Celsius, t.Sensor)
		}
	}
	for _, l := range in.Links {
		if !once(first, "link", l.Name) {
			continue
		}
		out.set(d.linkUp, truth(l.Up), l.Name)
		if l.SpeedMbps > 0 {
			out.set(d.linkSpeed, float64(l.SpeedMbps)*1e6/8, l.Name)
		}
		out.set(d.linkErrors, float64(l.ReceiveErrors), l.Name, "receive")
		out.set(d.linkErrors, float64(l.SendErrors), l.Name, "send")
		out.set(d.linkDrops, float64(l.ReceiveDropped), l.Name, "receive")
		out.set(d.linkDrops, float64(l.SendDropped), l.Name, "send")
	}
	for _, g := range in.GPUs {
		if !once(first, "gpu", g.Address) {
			continue
		}
		out.set(d.gpu, 1, g.Address, g.Vendor, g.Device, g.Driver)
		if g.MemTotalBytes > 0 {
			out.set(d.gpuMemoryUsed, float64(g.MemUsedBytes), g.Address)
			out.set(d.gpuMemoryTotal, float64(g.MemTotalBytes), g.Address)
		}
		setIf(out, d.gpuBusy, g.BusyPercent, 0.01, g.Address)
	}
}

// once reports whether it is called for the first time for a device.
func once(seen map[string]bool, kind, name string) bool {
	key := kind + " " + name
	if seen[key] {
		return false
	}
	seen[key] = true
	return true
}

package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// machine shows this node's own inventory: the machine, what the node may use of it if that is
// less, and its parts.
func (p Printer) machine(b *strings.Builder, s *meshosv1.Snapshot) {
	for _, peer := range s.GetPeers() {
		if peer.GetPeer() != s.GetNode() || peer.GetInventory() == nil {
			continue
		}
		in := peer.GetInventory()
		for _, line := range []struct {
			title string
			parts []styled
		}{
			{"machine", wholeMachine(in)},
			{"limited to", limits(in)},
			{"disks", disks(in)},
			{"temperatures", temperatures(in)},
			{"links", links(in)},
			{"GPUs", gpus(in)},
			{"not measured lately", oldFacts(in)},
		} {
			if len(line.parts) == 0 {
				continue
			}
			words := []styled{{text: "  " + line.title + ": "}}
			for i, part := range line.parts {
				if i > 0 {
					words = append(words, styled{text: ", "})
				}
				words = append(words, part)
			}
			p.flow(b, 0, 4, words...)
		}
	}
}

func plainParts(parts []string) (out []styled) {
	for _, part := range parts {
		out = append(out, styled{text: part})
	}
	return out
}

func wholeMachine(in *meshosv1.PeerInventory) []styled {
	var parts []string
	if in.CpuLoad_1M != nil {
		load := fmt.Sprintf("load %.2f", in.GetCpuLoad_1M())
		if in.LoadPerCpu != nil {
			load += fmt.Sprintf(" (%.2f for each CPU)", in.GetLoadPerCpu())
		}
		parts = append(parts, load)
	}
	switch {
	case in.MachineCpus != nil && in.MachineCpusUsed != nil:
		parts = append(parts, fmt.Sprintf("%.1f of %s busy", in.GetMachineCpusUsed(), Counted(int(in.GetMachineCpus()), "CPU")))
	case in.MachineCpus != nil:
		parts = append(parts, Counted(int(in.GetMachineCpus()), "CPU"))
	}
	part, whole := in.MachineMemUsedBytes, in.MachineMemTotalBytes
	if whole == nil {
		part, whole = in.MemUsedBytes, in.MemTotalBytes
	}
	if part != nil && whole != nil {
		parts = append(parts, "memory "+used(*part, *whole))
	}
	if in.DiskUsedBytes != nil && in.DiskTotalBytes != nil {
		parts = append(parts, "disk "+used(in.GetDiskUsedBytes(), in.GetDiskTotalBytes()))
	}
	if in.GetDiskInodesTotal() > 0 && in.DiskInodesUsed != nil {
		parts = append(parts, "inodes "+percent(float64(in.GetDiskInodesUsed())/float64(in.GetDiskInodesTotal())))
	}
	if in.SoftwareVersion != nil {
		parts = append(parts, "version "+Plain(in.GetSoftwareVersion()))
	}
	return plainParts(parts)
}

// limits shows what the node may use if that is less than the machine has.
func limits(in *meshosv1.PeerInventory) []styled {
	var parts []string
	if in.Cpus != nil && in.MachineCpus != nil && in.GetCpus() < float64(in.GetMachineCpus()) {
		cpus := fmt.Sprintf("%.4g CPUs", in.GetCpus())
		if in.CpusUsed != nil {
			cpus += fmt.Sprintf(" (%.1f busy)", in.GetCpusUsed())
		}
		parts = append(parts, cpus)
	}
	if in.MemTotalBytes != nil && in.GetMemTotalBytes() < in.GetMachineMemTotalBytes() {
		memory := bytesOf(in.GetMemTotalBytes()) + " of memory"
		if in.MemUsedBytes != nil {
			memory += fmt.Sprintf(" (%.0f%% used)", 100*float64(in.GetMemUsedBytes())/float64(max(in.GetMemTotalBytes(), 1)))
		}
		parts = append(parts, memory)
	}
	return plainParts(parts)
}

// disks shows the file systems if there are several.
func disks(in *meshosv1.PeerInventory) (out []styled) {
	if len(in.GetDisks()) < 2 {
		return nil
	}
	for _, d := range in.GetDisks() {
		part := styled{text: Plain(d.GetPath()) + " " + used(d.GetUsedBytes(), d.GetTotalBytes())}
		inodes := 0.0
		if d.GetInodesTotal() > 0 {
			inodes = float64(d.GetInodesUsed()) / float64(d.GetInodesTotal())
			part.text += " and " + percent(inodes) + " of its inodes"
		}
		if max(inodes, float64(d.GetUsedBytes())/float64(max(d.GetTotalBytes(), 1))) > 0.9 {
			part.style = Warning
		}
		out = append(out, part)
	}
	return out
}

// shownSensors is how many sensors are shown: those that are nearest to their limit.
const shownSensors = 3

func temperatures(in *meshosv1.PeerInventory) (out []styled) {
	left := func(t *meshosv1.Temperature) float64 {
		if t.GetCriticalCelsius() > 0 {
			return t.GetCriticalCelsius() - t.GetCelsius()
		}
		return 100 - t.GetCelsius()
	}
	all := slices.Clone(in.GetTemperatures())
	slices.SortStableFunc(all, func(a, b *meshosv1.Temperature) int { return int(left(a)*100) - int(left(b)*100) })
	for _, t := range all[:min(len(all), shownSensors)] {
		part := styled{text: fmt.Sprintf("%s %.0f °C", Plain(t.GetSensor()), t.GetCelsius())}
		if t.GetCriticalCelsius() > 0 {
			part.text += fmt.Sprintf(" (critical at %.0f)", t.GetCriticalCelsius())
			if left(t) < 5 {
				part.style = Warning
			}
		}
		out = append(out, part)
	}
	if more := len(all) - len(out); more > 0 {
		out = append(out, styled{text: fmt.Sprintf("and %d more", more)})
	}
	return out
}

func links(in *meshosv1.PeerInventory) (out []styled) {
	for _, l := range in.GetLinks() {
		part := styled{text: Plain(l.GetName()) + " "}
		switch speed := l.GetSpeedMbps(); {
		case !l.GetUp():
			part.text += "down"
		case speed == 0:
			part.text += "up"
		case speed >= 1000:
			part.text += fmt.Sprintf("%.4g Gbit/s", float64(speed)/1000)
		default:
			part.text += fmt.Sprintf("%d Mbit/s", speed)
		}
		if n := l.GetReceiveErrors() + l.GetSendErrors(); n > 0 {
			part.text, part.style = part.text+" with "+Counted(int(n), "error"), Warning
		}
		out = append(out, part)
	}
	return out
}

func gpus(in *meshosv1.PeerInventory) (out []styled) {
	for _, g := range in.GetGpus() {
		words := Plain(strings.TrimSpace(g.GetVendor()+" "+g.GetDevice())) + " at " + Plain(g.GetAddress())
		switch {
		case g.GetDriver() == "":
			words += " without a driver"
		case g.BusyPercent != nil:
			words += fmt.Sprintf(" %d%% busy", g.GetBusyPercent())
		}
		if g.GetMemTotalBytes() > 0 {
			words += " with " + used(g.GetMemUsedBytes(), g.GetMemTotalBytes()) + " used"
		}
		out = append(out, styled{text: words})
	}
	return out
}

// oldAge is the age from which a fact is shown as old. Some are measured every 10 s only.
const oldAge = 15 * time.Second

// oldFacts shows what was not measured for a while, such as of a disk that hangs.
func oldFacts(in *meshosv1.PeerInventory) (out []styled) {
	names := make([]string, 0, len(in.GetAges()))
	for name := range in.GetAges() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if age := in.GetAges()[name]; age.AsDuration() >= oldAge {
			out = append(out, styled{Plain(name) + " for " + span(age), Warning})
		}
	}
	return out
}

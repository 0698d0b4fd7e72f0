package mesh

import "time"

// Inventory is what a probe knows about one node. A nil field means unknown, not zero. Each
// field but Node and Ages is a fact. The slices must not be written to.
type Inventory struct {
	Node            NodeID
	CPULoad1m       *float64 // of the machine
	MemUsedBytes    *uint64  // memory that the node may use
	MemTotalBytes   *uint64
	DiskUsedBytes   *uint64 // of the fullest file system
	DiskTotalBytes  *uint64
	SaturationTrend *float32 // -1 falling … 1 rising
	Capabilities    []string // sorted, unique
	SoftwareVersion *string
	ForkedFrom      *NodeID

	LoadPerCPU           *float64
	CPUs                 *float64 // that the node may use
	CPUsUsed             *float64 // how many of them are busy
	MachineCPUs          *uint32
	MachineCPUsUsed      *float64
	MachineMemUsedBytes  *uint64
	MachineMemTotalBytes *uint64
	DiskInodesUsed       *uint64
	DiskInodesTotal      *uint64
	Disks                []DiskSpace
	Temperatures         []Temperature
	Links                []NetworkLink
	GPUs                 []GPU

	// Ages are how long ago the facts were measured.
	Ages FactAges
}

// DiskSpace is how full one file system is.
type DiskSpace struct {
	Path        string
	Device      string
	UsedBytes   uint64
	TotalBytes  uint64
	InodesUsed  uint64
	InodesTotal uint64 // 0: no fixed number
}

// Temperature is what one sensor of a machine shows.
type Temperature struct {
	Sensor   string
	Celsius  float64
	Critical float64 // 0: unknown
}

// NetworkLink is one network interface of a machine.
type NetworkLink struct {
	Name           string
	Up             bool
	SpeedMbps      uint64 // 0: unknown
	ReceiveErrors  uint64
	SendErrors     uint64
	ReceiveDropped uint64
	SendDropped    uint64
	CarrierChanges uint64
}

// GPU is one graphics processor or accelerator of a machine.
type GPU struct {
	Address       string
	Vendor        string
	Device        string
	Driver        string
	MemUsedBytes  uint64
	MemTotalBytes uint64 // 0: unknown
	BusyPercent   *uint32
}

// Fact is one field of an Inventory.
type Fact uint8

// The facts.
const (
	FactCPULoad1m Fact = iota
	FactMemUsed
	FactMemTotal
	FactDiskUsed
	FactDiskTotal
	FactSaturationTrend
	FactCapabilities
	FactSoftwareVersion
	FactForkedFrom
	FactLoadPerCPU
	FactCPUs
	FactCPUsUsed
	FactMachineCPUs
	FactMachineCPUsUsed
	FactMachineMemUsed
	FactMachineMemTotal
	FactDiskInodesUsed
	FactDiskInodesTotal
	FactDisks
	FactTemperatures
	FactLinks
	FactGPUs
	// Facts is how many there are.
	Facts
)

// FactAges has an age for each fact.
type FactAges [Facts]time.Duration

// String returns the name of the contract's field.
func (f Fact) String() string {
	switch f {
	case FactCPULoad1m:
		return "cpu_load_1m"
	case FactMemUsed:
		return "mem_used_bytes"
	case FactMemTotal:
		return "mem_total_bytes"
	case FactDiskUsed:
		return "disk_used_bytes"
	case FactDiskTotal:
		return "disk_total_bytes"
	case FactSaturationTrend:
		return "saturation_trend"
	case FactCapabilities:
		return "capabilities"
	case FactSoftwareVersion:
		return "software_version"
	case FactForkedFrom:
		return "forked_from"
	case FactLoadPerCPU:
		return "load_per_cpu"
	case FactCPUs:
		return "cpus"
	case FactCPUsUsed:
		return "cpus_used"
	case FactMachineCPUs:
		return "machine_cpus"
	case FactMachineCPUsUsed:
		return "machine_cpus_used"
	case FactMachineMemUsed:
		return "machine_mem_used_bytes"
	case FactMachineMemTotal:
		return "machine_mem_total_bytes"
	case FactDiskInodesUsed:
		return "disk_inodes_used"
	case FactDiskInodesTotal:
		return "disk_inodes_total"
	case FactDisks:
		return "disks"
	case FactTemperatures:
		return "temperatures"
	case FactLinks:
		return "links"
	case FactGPUs:
		return "gpus"
	}
	return "unknown"
}

// Lasting reports whether a fact is as true as when it was measured for as long as its probe
// says it: its age does not count.
func (f Fact) Lasting() bool {
	return f == FactCapabilities || f == FactSoftwareVersion || f == FactForkedFrom
}

// Has reports whether a fact is known.
func (in *Inventory) Has(f Fact) bool {
	switch f {
	case FactCPULoad1m:
		return in.CPULoad1m != nil
	case FactMemUsed:
		return in.MemUsedBytes != nil
	case FactMemTotal:
		return in.MemTotalBytes != nil
	case FactDiskUsed:
		return in.DiskUsedBytes != nil
	case FactDiskTotal:
		return in.DiskTotalBytes != nil
	case FactSaturationTrend:
		return in.SaturationTrend != nil
	case FactCapabilities:
		return len(in.Capabilities) > 0
	case FactSoftwareVersion:
		return in.SoftwareVersion != nil
	case FactForkedFrom:
		return in.ForkedFrom != nil
	case FactLoadPerCPU:
		return in.LoadPerCPU != nil
	case FactCPUs:
		return in.CPUs != nil
	case FactCPUsUsed:
		return in.CPUsUsed != nil
	case FactMachineCPUs:
		return in.MachineCPUs != nil
	case FactMachineCPUsUsed:
		return in.MachineCPUsUsed != nil
	case FactMachineMemUsed:
		return in.MachineMemUsedBytes != nil
	case FactMachineMemTotal:
		return in.MachineMemTotalBytes != nil
	case FactDiskInodesUsed:
		return in.DiskInodesUsed != nil
	case FactDiskInodesTotal:
		return in.DiskInodesTotal != nil
	case FactDisks:
		return len(in.Disks) > 0
	case FactTemperatures:
		return len(in.Temperatures) > 0
	case FactLinks:
		return len(in.Links) > 0
	case FactGPUs:
		return len(in.GPUs) > 0
	}
	return false
}

// Take makes a fact that of another inventory, which may not know it.
func (in *Inventory) Take(f Fact, from *Inventory) {
	switch f {
	case FactCPULoad1m:
		in.CPULoad1m = from.CPULoad1m
	case FactMemUsed:
		in.MemUsedBytes = from.MemUsedBytes
	case FactMemTotal:
		in.MemTotalBytes = from.MemTotalBytes
	case FactDiskUsed:
		in.DiskUsedBytes = from.DiskUsedBytes
	case FactDiskTotal:
		in.DiskTotalBytes = from.DiskTotalBytes
	case FactSaturationTrend:
		in.SaturationTrend = from.SaturationTrend
	case FactCapabilities:
		in.Capabilities = from.Capabilities
	case FactSoftwareVersion:
		in.SoftwareVersion = from.SoftwareVersion
	case FactForkedFrom:
		in.ForkedFrom = from.ForkedFrom
	case FactLoadPerCPU:
		in.LoadPerCPU = from.LoadPerCPU
	case FactCPUs:
		in.CPUs = from.CPUs
	case FactCPUsUsed:
		in.CPUsUsed = from.CPUsUsed
	case FactMachineCPUs:
		in.MachineCPUs = from.MachineCPUs
	case FactMachineCPUsUsed:
		in.MachineCPUsUsed = from.MachineCPUsUsed
	case FactMachineMemUsed:
		in.MachineMemUsedBytes = from.MachineMemUsedBytes
	case FactMachineMemTotal:
		in.MachineMemTotalBytes = from.MachineMemTotalBytes
	case FactDiskInodesUsed:
		in.DiskInodesUsed = from.DiskInodesUsed
	case FactDiskInodesTotal:
		in.DiskInodesTotal = from.DiskInodesTotal
	case FactDisks:
		in.Disks = from.Disks
	case FactTemperatures:
		in.Temperatures = from.Temperatures
	case FactLinks:
		in.Links = from.Links
	case FactGPUs:
		in.GPUs = from.GPUs
	}
}

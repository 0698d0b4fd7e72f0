package view

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestTheMachineIsShownWithTheLimitsOfTheNode(t *testing.T) {
	in := &meshosv1.PeerInventory{
		CpuLoad_1M: ptr(0.42), LoadPerCpu: ptr(0.0525), MachineCpus: ptr(uint32(8)), MachineCpusUsed: ptr(1.23),
		Cpus: ptr(1.5), CpusUsed: ptr(0.3), MachineMemUsedBytes: ptr(uint64(3 << 30)), MachineMemTotalBytes: ptr(uint64(24 << 30)),
		MemUsedBytes: ptr(uint64(1 << 30)), MemTotalBytes: ptr(uint64(2 << 30)),
		DiskUsedBytes: ptr(uint64(95)), DiskTotalBytes: ptr(uint64(100)), DiskInodesUsed: ptr(uint64(1)), DiskInodesTotal: ptr(uint64(1000)),
		Disks: []*meshosv1.DiskSpace{
			{Path: "/", UsedBytes: 1, TotalBytes: 100, InodesUsed: 1, InodesTotal: 1000}, {Path: "/srv", UsedBytes: 95, TotalBytes: 100},
		},
		Temperatures: []*meshosv1.Temperature{
			{Sensor: "nvme", Celsius: 40}, {Sensor: "cpu", Celsius: 97, CriticalCelsius: 100}, {Sensor: "a", Celsius: 30}, {Sensor: "b", Celsius: 20},
		},
		Links: []*meshosv1.NetworkLink{
			{Name: "eth0", Up: true, SpeedMbps: 25000}, {Name: "eth1"}, {Name: "eth2", Up: true, SpeedMbps: 100, ReceiveErrors: 7}, {Name: "wlan0", Up: true},
		},
		Gpus: []*meshosv1.Gpu{
			{Vendor: "nvidia", Device: "10de:20b0", Address: "0000:3b:00.0"},
			{Vendor: "amd", Device: "1002:740c", Address: "0000:3c:00.0", Driver: "amdgpu", BusyPercent: ptr(uint32(42)), MemUsedBytes: 1 << 30, MemTotalBytes: 4 << 30},
		},
		Ages: map[string]*durationpb.Duration{"disk_used_bytes": durationpb.New(40 * time.Second), "links": durationpb.New(9 * time.Second)},
	}
	var b strings.Builder
	Printer{Width: Unlimited}.machine(&b, &meshosv1.Snapshot{Node: 1, Peers: []*meshosv1.PeerView{{Peer: 1, Inventory: in}, {Peer: 2, Inventory: in}}})
	const want = `  machine: load 0.42 (0.05 for each CPU), 1.2 of 8 CPUs busy, memory 3.0 GiB of 24.0 GiB (12%), disk 95 B of 100 B (95%), inodes <1%
  limited to: 1.5 CPUs (0.3 busy), 2.0 GiB of memory (50% used)
  disks: / 1 B of 100 B (1%) and <1% of its inodes, /srv 95 B of 100 B (95%)
  temperatures: cpu 97 °C (critical at 100), nvme 40 °C, a 30 °C, and 1 more
  links: eth0 25 Gbit/s, eth1 down, eth2 100 Mbit/s with 7 errors, wlan0 up
  GPUs: nvidia 10de:20b0 at 0000:3b:00.0 without a driver, amd 1002:740c at 0000:3c:00.0 42% busy with 1.0 GiB of 4.0 GiB (25%) used
  not measured lately: disk_used_bytes for 40s
`
	if got := b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

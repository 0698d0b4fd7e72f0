package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/prometheus/procfs"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// A source reads one kind of facts and returns the fields that it knows. It may hang: a
// system call on a dead mount can't be interrupted.
type source func(ctx context.Context) (*meshosv1.PeerInventory, error)

// readMemory reads the memory of the machine, and what the node may use of it.
func readMemory(r root) source {
	return func(ctx context.Context) (*meshosv1.PeerInventory, error) {
		vm, err := mem.VirtualMemoryWithContext(r.context(ctx))
		if err != nil {
			return nil, fmt.Errorf("read the memory: %w", err)
		}
		out := &meshosv1.PeerInventory{
			MachineMemUsedBytes: proto.Uint64(vm.Used), MachineMemTotalBytes: proto.Uint64(vm.Total),
			MemUsedBytes: proto.Uint64(vm.Used), MemTotalBytes: proto.Uint64(vm.Total),
		}
		if used, total, limited := r.memoryLimit(); limited && total < vm.Total {
			out.MemUsedBytes, out.MemTotalBytes = proto.Uint64(used), proto.Uint64(total)
		}
		return out, nil
	}
}

// readTrend reads the pressure stall information: that of the control group which limits this
// process, else that of the machine, or the load if the kernel has none.
func readTrend(r root, proc procfs.FS) source {
	return func(ctx context.Context) (*meshosv1.PeerInventory, error) {
		if folder := r.limitedGroup(); folder != "" {
			if all, ok := groupPressure(folder); ok {
				return &meshosv1.PeerInventory{SaturationTrend: float32Ptr(pressureTrend(all...))}, nil
			}
		}
		trend, err := readPressure(proc)
		if withoutPressure(err) {
			trend, err = readSlope(ctx)
		}
		if err != nil {
			return nil, err
		}
		return &meshosv1.PeerInventory{SaturationTrend: float32Ptr(trend)}, nil
	}
}

func float32Ptr(v float64) *float32 { return proto.Float32(float32(v)) }

func readPressure(proc procfs.FS) (float64, error) {
	var all []pressure
	for _, resource := range []string{"cpu", "memory", "io"} {
		stats, err := proc.PSIStatsForResource(resource)
		if err != nil {
			return 0, fmt.Errorf("read the pressure: %w", err)
		}
		if stats.Some != nil {
			all = append(all, pressure{short: stats.Some.Avg10 / 100, long: stats.Some.Avg60 / 100})
		}
	}
	return pressureTrend(all...), nil
}

// withoutPressure reports whether the error means that the kernel has no pressure stall
// information: it is too old, built without it, booted with psi=0, or hides it.
func withoutPressure(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EOPNOTSUPP)
}

func readSlope(ctx context.Context) (float64, error) {
	avg, err := load.AvgWithContext(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the load: %w", err)
	}
	return loadTrend(avg.Load1, avg.Load5, runtime.NumCPU()), nil
}

// readCapabilities reads what does not change while the machine is up. It reads only once,
// because /proc/cpuinfo is slow on machines with many CPUs.
func readCapabilities(proc procfs.FS, tags []string) source {
	var known *meshosv1.PeerInventory
	return func(ctx context.Context) (*meshosv1.PeerInventory, error) {
		if known != nil {
			return known, nil
		}
		m := machine{arch: runtime.GOARCH, os: runtime.GOOS}
		var err error
		if m.kernel, err = host.KernelVersionWithContext(ctx); err != nil {
			return nil, fmt.Errorf("read the kernel's version: %w", err)
		}
		cpus, err := proc.CPUInfo()
		if err != nil {
			return nil, fmt.Errorf("read the CPU's features: %w", err)
		}
		if len(cpus) > 0 {
			m.features = cpus[0].Flags
		}
		known = &meshosv1.PeerInventory{Capabilities: m.capabilities(tags)}
		return known, nil
	}
}

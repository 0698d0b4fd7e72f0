package main

import (
	"context"
	"fmt"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/load"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// cpuUse is how much CPU time was used by the time of one measurement, in seconds.
type cpuUse struct {
	at      time.Time
	each    map[string]cpuTime // of the machine's CPUs
	limited bool               // by a quota, of which group was used so far
	group   float64            // below 0: not counted
}

// cpuTime is that of one CPU, in seconds.
type cpuTime struct{ busy, all float64 }

// readCPU reads how many CPUs there are and how busy they are. allowed reports whether the
// node may run on a CPU.
func readCPU(r root, allowed func() (func(cpu int) bool, error)) source {
	var last cpuUse
	return func(ctx context.Context) (*meshosv1.PeerInventory, error) {
		ctx = r.context(ctx)
		avg, err := load.AvgWithContext(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the load: %w", err)
		}
		now, err := readCPUUse(ctx)
		if err != nil {
			return nil, err
		}
		may, err := allowed()
		if err != nil {
			return nil, fmt.Errorf("read on which CPUs this process may run: %w", err)
		}
		var own []string
		for i := range len(now.each) {
			if may(i) {
				own = append(own, fmt.Sprintf("cpu%d", i))
			}
		}
		machine := float64(len(now.each))
		cpus := machine
		if len(own) > 0 {
			cpus = float64(len(own))
		}
		var quota float64
		quota, now.group, now.limited = r.cpuLimit()
		now.limited = now.limited && quota < cpus

		out := &meshosv1.PeerInventory{
			CpuLoad_1M: proto.Float64(avg.Load1), LoadPerCpu: proto.Float64(avg.Load1 / max(machine, 1)),
			MachineCpus: proto.Uint32(uint32(len(now.each))),
		}
		all, known := busy(last, now, nil)
		if known {
			out.MachineCpusUsed = proto.Float64(all)
		}
		switch {
		case now.limited && last.limited && last.group >= 0 && now.group >= last.group:
			seconds := max(now.at.Sub(last.at).Seconds(), 1e-3)
			out.CpusUsed = proto.Float64((now.group - last.group) / seconds)
		case now.limited || !known:
		case cpus < machine:
			used, _ := busy(last, now, own)
			out.CpusUsed = proto.Float64(used)
		default:
			out.CpusUsed = proto.Float64(all)
		}
		if now.limited {
			cpus = quota
		}
		out.Cpus = proto.Float64(cpus)
		last = now
		return out, nil
	}
}

func readCPUUse(ctx context.Context) (cpuUse, error) {
	times, err := cpu.TimesWithContext(ctx, true)
	if err != nil {
		return cpuUse{}, fmt.Errorf("read the times of the CPUs: %w", err)
	}
	out := cpuUse{at: time.Now(), each: make(map[string]cpuTime, len(times))}
	for _, t := range times {
		// What guests take is in the time of users already.
		idle := t.Idle + t.Iowait
		used := t.User + t.System + t.Nice + t.Irq + t.Softirq + t.Steal
		out.each[t.CPU] = cpuTime{busy: used, all: used + idle}
	}
	return out, nil
}

// busy returns how many of the named CPUs (nil: all) were busy between two measurements. It is
// not known if no time has passed by the kernel's count.
func busy(last, now cpuUse, names []string) (cpus float64, known bool) {
	count := func(name string) {
		a, b := last.each[name], now.each[name]
		if all := b.all - a.all; a.all > 0 && all > 0 {
			cpus += min(max((b.busy-a.busy)/all, 0), 1)
			known = true
		}
	}
	if names == nil {
		for name := range now.each {
			count(name)
		}
		return cpus, known
	}
	for _, name := range names {
		count(name)
	}
	return cpus, known
}

// affinity returns on which CPUs this process may run, which cpusets restrict, too.
func affinity() (func(cpu int) bool, error) {
	set := new(unix.CPUSet)
	if err := unix.SchedGetaffinity(0, set); err != nil {
		return nil, err
	}
	return set.IsSet, nil
}

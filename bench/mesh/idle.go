package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of the CPU times of processes in /proc: a hundredth of a second on
// every Linux.
const clockTick = 10 * time.Millisecond

// idle measures a seed and the leaf while nothing is ordered.
func (b *bench) idle(ctx context.Context, during time.Duration) (string, error) {
	if _, err := b.settle(ctx); err != nil {
		return "", err
	}
	if !pause(ctx, 10*time.Second) { // what started has settled
		return "", ctx.Err()
	}
	type subject struct {
		name       string
		id         int
		host, mesh int
		cpu        [2]time.Duration
		wire       int64
	}
	subjects := []*subject{{name: "seed", id: 2}, {name: "leaf", id: leaf}}
	for _, s := range subjects {
		var err error
		s.host = b.lab.Node(s.id).PID()
		if s.mesh, err = b.plugin(ctx, s.id); err != nil {
			return "", err
		}
	}
	read := func(s *subject, sign int) error {
		for i, pid := range []int{s.host, s.mesh} {
			cpu, err := cpuOf(pid)
			if err != nil {
				return err
			}
			s.cpu[i] += time.Duration(sign) * cpu
		}
		wire, err := wireOf(s.host)
		s.wire += int64(sign) * wire
		return err
	}
	began := time.Now()
	for _, s := range subjects {
		if err := read(s, -1); err != nil {
			return "", err
		}
	}
	if !pause(ctx, during) {
		return "", ctx.Err()
	}
	took := time.Since(began)
	var words []string
	for _, s := range subjects {
		if err := read(s, 1); err != nil {
			return "", err
		}
		hostMemory, err := memoryOf(s.host)
		if err != nil {
			return "", err
		}
		meshMemory, err := memoryOf(s.mesh)
		if err != nil {
			return "", err
		}
		share := func(d time.Duration) float64 { return 100 * d.Seconds() / took.Seconds() }
		words = append(words, fmt.Sprintf("%s: host %.1f %%, %s; plugin %.1f %%, %s; %.0f B/s",
			s.name, share(s.cpu[0]), hostMemory, share(s.cpu[1]), meshMemory, float64(s.wire)/took.Seconds()))
	}
	return strings.Join(words, " · "), nil
}

// cpuOf returns the CPU time of a process.
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	ticks := 0
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// memoryOf returns the private and the resident memory of a process.
func memoryOf(pid int) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return "", err
	}
	kB := map[string]int{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 {
			kB[strings.TrimSuffix(f[0], ":")], _ = strconv.Atoi(f[1])
		}
	}
	return fmt.Sprintf("%d and %d MB", (kB["Private_Clean"]+kB["Private_Dirty"])>>10, kB["Rss"]>>10), nil
}

// wireOf returns how many bytes went over the network of a process's namespace, both ways,
// without its loopback.
func wireOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/dev", pid))
	if err != nil {
		return 0, err
	}
	var sum int64
	for line := range strings.Lines(string(text)) {
		name, counters, is := strings.Cut(line, ":")
		f := strings.Fields(counters)
		if !is || strings.TrimSpace(name) == "lo" || len(f) < 9 {
			continue
		}
		for _, i := range []int{0, 8} { // received and sent
			n, err := strconv.ParseInt(f[i], 10, 64)
			if err != nil {
				return 0, err
			}
			sum += n
		}
	}
	return sum, nil
}

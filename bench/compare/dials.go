package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	dialTargets = 10_000
	dialRounds  = 5
)

// dials compares health-tcp with the bare connections of a Go program.
func dials() row {
	return row{
		name: "tcp-dials", what: "connections to 10,000 targets on one address of loopback", peer: "bare Go dials",
		round: func(ctx context.Context, b *bench) ([]figure, error) {
			address, closeTarget, err := accepting()
			if err != nil {
				return nil, err
			}
			defer closeTarget()
			first, cpu, err := ownDials(ctx, b, address)
			if err != nil {
				return nil, err
			}
			bareFirst, bareCPU, err := bareDials(ctx, b, address)
			if err != nil {
				return nil, err
			}
			return []figure{
				{Name: "CPU for 10,000 checks", Unit: "s", Ours: cpu, Peer: bareCPU, Wanted: "≤ 1.2"},
				{Name: "first verdict of all", Unit: "s", Ours: first, Peer: bareFirst, Wanted: "≤ 2"},
			}, nil
		},
	}
}

// accepting returns an address that accepts connections and waits for their end: whoever ends one
// first keeps its port for a minute, unless he resets it.
func accepting() (address string, end func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			})
		}
	})
	return l.Addr().String(), func() { _ = l.Close(); running.Wait() }, nil
}

// ownDials returns how long health-tcp takes until all targets have a verdict, and its CPU time
// for a round after that, in seconds.
func ownDials(ctx context.Context, b *bench, address string) (first, cpu float64, err error) {
	peers := make([]*pluginv1.Peer, dialTargets)
	for i := range peers {
		peers[i] = &pluginv1.Peer{Id: uint64(i + 2), HealthTarget: address}
	}
	p, err := b.run(ctx, "health-tcp", map[string]any{"interval": "2s", "timeout": "2s"}, peers)
	if err != nil {
		return 0, 0, err
	}
	defer p.end()
	began := time.Now()
	probe, err := p.HealthProbe(p.name)
	if err != nil {
		return 0, 0, err
	}
	for known := 0; known < dialTargets; {
		if err := rest(ctx, 50*time.Millisecond); err != nil {
			return 0, 0, err
		}
		got, err := probe.SampleHealth(ctx)
		if err == nil { // else it is busy with its targets
			known = len(got.Samples)
		}
		if time.Since(began) > time.Minute {
			return 0, 0, fmt.Errorf("only %d of %d targets have a verdict after a minute", known, dialTargets)
		}
	}
	first = time.Since(began).Seconds()
	if err := rest(ctx, 2*time.Second); err != nil {
		return 0, 0, err
	}
	cpu, err = usage(p.pid(), func() error { return rest(ctx, 2*dialRounds*time.Second) })
	return first, cpu / dialRounds, err
}

// bareDials returns how long a round of bare connections takes, and its CPU time, in seconds.
func bareDials(ctx context.Context, b *bench, address string) (took, cpu float64, err error) {
	file := filepath.Join(b.dir, "baredials")
	if err := b.build(ctx, file); err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, file, "-address", address, "-targets", strconv.Itoa(dialTargets), "-rounds", strconv.Itoa(dialRounds))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, 0, err
	}
	var rounds []float64
	for _, line := range strings.Fields(string(out)) {
		seconds, err := strconv.ParseFloat(line, 64)
		if err != nil {
			return 0, 0, err
		}
		rounds = append(rounds, seconds)
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return median(rounds), used.Seconds() / dialRounds, nil
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	echoPeers  = 10_000
	echoRounds = 10 // one echo to each peer a second
)

// echoes compares locality-icmp with fping over loopback, where nothing but the programs
// themselves takes time.
func echoes() row {
	return row{
		name: "echoes", what: "an echo a second to 10,000 addresses of loopback", peer: "fping",
		tools: []tool{{"fping", "fping"}}, root: true,
		round: func(ctx context.Context, b *bench) ([]figure, error) {
			ours, err := ownEchoes(ctx, b)
			if err != nil {
				return nil, err
			}
			theirs, err := fping(ctx, b)
			if err != nil {
				return nil, err
			}
			const us = 1e6
			return []figure{
				{Name: "CPU for 10,000 echoes", Unit: "ms", Ours: ours.cpu * 1e3, Peer: theirs.cpu * 1e3, Wanted: "≤ 1"},
				{Name: "round-trip time, p50", Unit: "µs", Ours: quantile(ours.times, 0.5) * us, Peer: quantile(theirs.times, 0.5) * us, Wanted: "≤ 1"},
				{Name: "round-trip time, p99", Unit: "µs", Ours: quantile(ours.times, 0.99) * us, Peer: quantile(theirs.times, 0.99) * us, Wanted: "≤ 1"},
			}, nil
		},
	}
}

// echoTimes is what one program found: CPU time for 10,000 echoes, and round-trip times, in
// seconds.
type echoTimes struct {
	cpu   float64
	times []float64
}

func echoAddress(i int) string { return fmt.Sprintf("127.1.%d.%d", i/200, i%200+1) }

func ownEchoes(ctx context.Context, b *bench) (echoTimes, error) {
	peers := make([]*pluginv1.Peer, echoPeers)
	for i := range peers {
		peers[i] = &pluginv1.Peer{Id: uint64(i + 2), Address: echoAddress(i)}
	}
	p, err := b.run(ctx, "locality-icmp", map[string]any{"interval": "1s", "count": 1}, peers)
	if err != nil {
		return echoTimes{}, err
	}
	defer p.end()
	probe, err := p.LocalityProbe(p.name)
	if err != nil {
		return echoTimes{}, err
	}
	if err := rest(ctx, 2*time.Second); err != nil { // the first round is a quick one
		return echoTimes{}, err
	}
	var out echoTimes
	cpu, err := usage(p.pid(), func() error {
		for range echoRounds {
			if err := rest(ctx, time.Second); err != nil {
				return err
			}
			got, err := probe.SampleRTT(ctx) // as a node asks at each tick
			if err != nil {
				return err
			}
			for _, s := range got.Samples {
				if s.RTT > 0 {
					out.times = append(out.times, s.RTT.Seconds())
				}
			}
		}
		return nil
	})
	if err == nil && len(out.times) < echoPeers*echoRounds*9/10 {
		err = fmt.Errorf("only %d of %d echoes were answered", len(out.times), echoPeers*echoRounds)
	}
	out.cpu = cpu / echoRounds
	return out, err
}

func fping(ctx context.Context, b *bench) (echoTimes, error) {
	var list strings.Builder
	for i := range echoPeers {
		list.WriteString(echoAddress(i) + "\n")
	}
	targets := filepath.Join(b.dir, "targets")
	if err := os.WriteFile(targets, []byte(list.String()), 0o600); err != nil {
		return echoTimes{}, err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "fping", "-q", "-C", strconv.Itoa(echoRounds), "-p", "1000", "-i", "0.1", "-t", "1000", "-f", targets)
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil && said.Len() == 0 {
		return echoTimes{}, err
	}
	var out echoTimes
	for lines := bufio.NewScanner(&said); lines.Scan(); {
		_, times, _ := strings.Cut(lines.Text(), " : ")
		for _, word := range strings.Fields(times) {
			if ms, err := strconv.ParseFloat(word, 64); err == nil {
				out.times = append(out.times, ms/1e3)
			}
		}
	}
	if len(out.times) < echoPeers*echoRounds*9/10 {
		return out, fmt.Errorf("fping had %d of %d echoes answered", len(out.times), echoPeers*echoRounds)
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	out.cpu = used.Seconds() / echoRounds
	return out, nil
}

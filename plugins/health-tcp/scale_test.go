package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/plugins/internal/healthprobe"
	"github.com/meshos/meshos/pluginsdk"
)

// probeEnv names the variable with which the test binary probes many targets with few files.
const probeEnv = "HEALTH_TCP_TEST_PROBE"

func TestMain(m *testing.M) {
	if address := os.Getenv(probeEnv); address != "" {
		if err := probeMany(address, 10000, 128); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	catalogtest.Main(m, main)
}

// probeMany probes n peers at one address with so many files until all have a
// verdict, and fails unless all are healthy.
func probeMany(address string, n int, files uint64) error {
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: files, Max: files}); err != nil {
		return err
	}
	var log strings.Builder
	env := pluginsdk.Env{Log: hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Error})}
	p, err := newProbe(env, config{
		Interval: pluginsdk.Duration(10 * time.Second), Timeout: pluginsdk.Duration(5 * time.Second),
		DegradedAfter: pluginsdk.Duration(4 * time.Second), Failures: 3, Successes: 2, Concurrency: 256,
	})
	if err != nil {
		return err
	}
	if len(p.Warnings()) != 1 {
		return fmt.Errorf("warnings: %q", p.Warnings())
	}
	peers := make([]pluginsdk.Peer, n)
	for i := range peers {
		peers[i] = pluginsdk.Peer{ID: uint64(i + 1), HealthTarget: address}
	}
	p.SetPeers(peers)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
		samples, err := p.SampleHealth(ctx, peers)
		if err != nil || ctx.Err() != nil {
			return fmt.Errorf("%d of %d have a verdict: %w; log:\n%s", len(samples), n, ctx.Err(), log.String())
		}
		if len(samples) < n {
			continue
		}
		for _, s := range samples {
			if s.Health != pluginsdk.Healthy {
				return fmt.Errorf("peer %d: %s", s.Peer, s.Health)
			}
		}
		break
	}
	cancel()
	if err := <-done; err != nil {
		return err
	}
	if log.Len() > 0 {
		return fmt.Errorf("log:\n%s", log.String())
	}
	return nil
}

func TestTenThousandTargetsWithFewFiles(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	address := testkit.Accepting(t)
	cmd.Env = append(os.Environ(), probeEnv+"="+address)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("10,000 verdicts in %s, %s of CPU", time.Since(began).Round(time.Millisecond),
		cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	// Attempts that were cancelled at the end are closed by the dialer, in order.
	if left := timeWait(t, address); left > 100 {
		t.Errorf("%d sockets in TIME_WAIT", left)
	}
}

// timeWait counts the sockets in TIME_WAIT towards an address.
func timeWait(t *testing.T, address string) int {
	t.Helper()
	b, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	port := netip.MustParseAddrPort(address).Port()
	return strings.Count(string(b), fmt.Sprintf(":%04X 06 ", port))
}

// BenchmarkAttempt measures what one connect over loopback costs, both sides.
func BenchmarkAttempt(b *testing.B) {
	address := testkit.Accepting(b)
	for b.Loop() {
		if a := (connector{}).attempt(b.Context(), address, healthprobe.Route{}); a.Err != nil {
			b.Fatal(a.Err)
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testkit"
)

// loopback returns n targets on 127.1.0.0/16 and up, peers 1 … n.
func loopback(n int) []target {
	targets := make([]target, n)
	for i := range targets {
		addr := netip.AddrFrom4([4]byte{127, byte(1 + i>>16), byte(i >> 8), byte(i)})
		targets[i] = target{peer: uint64(i + 1), address: addr.String(), addr: addr}
	}
	return targets
}

// openV4 opens the IPv4 link of this process. Where that is not allowed it checks
// that the error names what to grant, and returns false.
func openV4(t testing.TB) ([families]*link, bool) {
	t.Helper()
	l, err := openLink(familyV4)
	if err != nil {
		checkPermissionError(t, err)
		return [families]*link{}, false
	}
	t.Cleanup(func() { _ = l.Close() })
	return [families]*link{familyV4: l}, true
}

func checkPermissionError(t testing.TB, err error) {
	t.Helper()
	var denied *PermissionError
	if !errors.As(err, &denied) {
		t.Fatalf("want a PermissionError, got %v", err)
	}
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) {
		t.Errorf("the system's error is lost: %v", err)
	}
	for _, want := range []string{"setcap cap_net_raw+ep /", `sysctl -w net.ipv4.ping_group_range="0 2147483647"`, "AmbientCapabilities=CAP_NET_RAW", "IPv4"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

// run runs p until the test ends.
func run(t testing.TB, p *Pinger) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestLoopbackFirstSamplesComeAtOnceAndAreAboveZero(t *testing.T) {
	links, ok := openV4(t)
	if !ok {
		return
	}
	targets := loopback(500)
	p := newPinger(settings{interval: time.Second, timeout: time.Second, count: 3, size: usualSize}, links, hclog.NewNullLogger())
	p.SetTargets(targets)
	run(t, p)
	testkit.Until(t, "every target has a sample", func() bool { return answered(p, targets) == len(targets) })
	for _, tg := range targets {
		if s, _ := p.sample(tg.peer, tg.address); s.RTT <= 0 || s.RTT > 500*time.Millisecond {
			t.Errorf("peer %d: round-trip time %s", tg.peer, s.RTT)
		}
	}
}

func answered(p *Pinger, targets []target) (n int) {
	for _, tg := range targets {
		if s, _ := p.sample(tg.peer, tg.address); s.RTT > 0 {
			n++
		}
	}
	return n
}

func TestLoopbackIPv6(t *testing.T) {
	l, err := openLink(familyV6)
	if err != nil {
		return // no IPv6 here, or not allowed, which the tests of openV4 check
	}
	t.Cleanup(func() { _ = l.Close() })
	p := newPinger(settings{interval: 100 * time.Millisecond, timeout: time.Second, count: 2, size: usualSize}, [families]*link{familyV6: l}, hclog.NewNullLogger())
	targets := []target{{peer: 6, address: "::1", addr: netip.IPv6Loopback()}}
	p.SetTargets(targets)
	run(t, p)
	testkit.Until(t, "::1 answers, or can't be reached", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.results[path{6, netip.IPv6Loopback()}] != nil && p.results[path{6, netip.IPv6Loopback()}].answered == 2 || p.refused[path{6, netip.IPv6Loopback()}] != ""
	})
}

// Capabilities and namespaces belong to a thread: the goroutine never unlocks
// its thread, so the runtime ends the thread afterwards.
func onThrowawayThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

func dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}

func TestWithoutPrivilegesThePingSocketIsUsedOrTheErrorNamesWhatToGrant(t *testing.T) {
	err := onThrowawayThread(func() error {
		if err := dropCapabilities(); err != nil {
			return err
		}
		l, err := openLink(familyV4)
		if err != nil {
			checkPermissionError(t, err)
			return nil
		}
		defer l.Close()
		if l.raw {
			return errors.New("a raw socket without capabilities")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// pingInNamespace opens an unprivileged socket. With privileges that is in a network namespace
// that allows it; without, the process can't make one, and the result is nil.
func pingInNamespace(t *testing.T) (ping *link) {
	t.Helper()
	err := onThrowawayThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			if denied(err) {
				return nil
			}
			return err
		}
		if err := allowPing(); err != nil {
			return err
		}
		var err error
		ping, err = listen(familyV4, false)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if ping != nil {
		t.Cleanup(func() { _ = ping.Close() })
	}
	return ping
}

func TestPingSocketMeasuresToo(t *testing.T) {
	ping := pingInNamespace(t)
	if ping == nil {
		return
	}
	targets := loopback(20)
	p := newPinger(settings{interval: 100 * time.Millisecond, timeout: time.Second, count: 3, size: usualSize}, [families]*link{familyV4: ping}, hclog.NewNullLogger())
	p.SetTargets(targets)
	run(t, p)
	testkit.Until(t, "every target has a sample", func() bool { return answered(p, targets) == len(targets) })
}

// allowPing prepares the network namespace of this thread.
func allowPing() error {
	f, err := syscall.Open("/proc/sys/net/ipv4/ping_group_range", syscall.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("open ping_group_range: %w", err)
	}
	defer syscall.Close(f)
	if _, err := syscall.Write(f, []byte("0 2147483647")); err != nil {
		return fmt.Errorf("write ping_group_range: %w", err)
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}

// BenchmarkRound measures whole rounds over loopback: CPU time for each probe,
// the share of one core, and echoes without an answer.
func BenchmarkRound(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprintf("%d-targets", n), func(b *testing.B) {
			links, ok := openV4(b)
			if !ok {
				b.Fatal("grant the process an ICMP socket to measure")
			}
			set := settings{interval: time.Second, timeout: time.Second, count: 3, size: usualSize}
			p := newPinger(set, links, hclog.NewNullLogger())
			targets := loopback(n)
			p.SetTargets(targets)
			run(b, p)
			testkit.Until(b, "the first round is over", func() bool { return lastRound(p, targets) >= 1 })
			again := time.NewTicker(100 * time.Millisecond) // calls cost CPU time, too
			defer again.Stop()
			from, cpu, began := lastRound(p, targets), cpuTime(b), time.Now()
			lost := 0
			for b.Loop() {
				for done := lastRound(p, targets); lastRound(p, targets) <= done; {
					<-again.C
				}
				lost += lostEchoes(p, set.count)
			}
			used, took := cpuTime(b)-cpu, time.Since(began)
			probes := float64(int(lastRound(p, targets)-from) * n * set.count)
			b.ReportMetric(float64(used.Microseconds())/probes, "cpu-µs/echo")
			b.ReportMetric(used.Seconds()/took.Seconds()*100, "%core")
			b.ReportMetric(probes/took.Seconds(), "echoes/s")
			b.ReportMetric(float64(lost), "lost")
			rtts := echoRTTs(p)
			for _, per := range []int{50, 99} {
				b.ReportMetric(float64(rtts[len(rtts)*per/100].Nanoseconds())/1000, fmt.Sprintf("p%d-µs", per))
			}
		})
	}
}

// lastRound is the oldest round that any target's verdict comes from.
func lastRound(p *Pinger, targets []target) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.results) < len(targets) {
		return 0
	}
	last := ^uint32(0)
	for _, r := range p.results {
		last = min(last, r.round)
	}
	return last
}

func lostEchoes(p *Pinger, count int) (lost int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.results {
		lost += count - r.answered
	}
	return lost
}

// echoRTTs returns the round-trip times of the last echoes to all targets, sorted.
func echoRTTs(p *Pinger) (all []time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.results {
		for _, past := range r.history.rounds {
			for _, rtt := range past.echoes {
				if rtt > 0 {
					all = append(all, rtt)
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

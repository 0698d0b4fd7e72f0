package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/pluginsdk"
)

// procWith makes a /proc with the given files.
func procWith(t *testing.T, files map[string]string) procfs.FS {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fs, err := procfs.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func TestMemoryOfTheMachineIsTheKernelsToTheByte(t *testing.T) {
	facts, err := readMemory("/")(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := facts.GetMachineMemTotalBytes(), memTotal(t); got != want {
		t.Errorf("total %d, /proc/meminfo says %d", got, want)
	}
	if used := facts.GetMachineMemUsedBytes(); used == 0 || used > facts.GetMachineMemTotalBytes() {
		t.Errorf("used %d of %d", used, facts.GetMachineMemTotalBytes())
	}
	if facts.GetMemTotalBytes() == 0 || facts.GetMemTotalBytes() > facts.GetMachineMemTotalBytes() {
		t.Errorf("the node may use %d of %d", facts.GetMemTotalBytes(), facts.GetMachineMemTotalBytes())
	}
}

// memTotal reads MemTotal of /proc/meminfo, in bytes.
func memTotal(t testing.TB) uint64 {
	t.Helper()
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); fields[0] == "MemTotal:" {
			kib, err := strconv.ParseUint(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib * 1024
		}
	}
	t.Fatal("no MemTotal")
	return 0
}

func TestTrendIsReadFromPressure(t *testing.T) {
	line := func(avg10, avg60 string) string {
		return "some avg10=" + avg10 + " avg60=" + avg60 + " avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
	}
	fs := procWith(t, map[string]string{
		"pressure/cpu": line("10.00", "12.00"), "pressure/memory": line("0.00", "0.00"), "pressure/io": line("50.00", "25.00"),
	})
	facts, err := readTrend(root(t.TempDir()), fs)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	near(t, float64(facts.GetSaturationTrend()), 0.25)
}

func TestTrendIsTheLoadsSlopeWithoutPressure(t *testing.T) {
	facts, err := readTrend(root(t.TempDir()), procWith(t, nil))(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v := facts.GetSaturationTrend(); facts.SaturationTrend == nil || v < -1 || v > 1 {
		t.Errorf("trend %v", v)
	}
}

func TestBrokenPressureIsAnErrorWithoutATrend(t *testing.T) {
	facts, err := readTrend(root(t.TempDir()), procWith(t, map[string]string{"pressure/cpu": "some avg10=much\n"}))(t.Context())
	if err == nil {
		t.Errorf("read %v", facts)
	}
}

func TestCapabilitiesAreReadOnceAndAgainAfterAFailure(t *testing.T) {
	fs := procWith(t, nil)
	read := readCapabilities(fs, []string{"tag"})
	if facts, err := read(t.Context()); err == nil {
		t.Fatalf("without cpuinfo: %v", facts)
	}
	real, err := procfs.NewDefaultFS()
	if err != nil {
		t.Fatal(err)
	}
	read = readCapabilities(real, []string{"tag"})
	first, err := read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(first.GetCapabilities(), " ")
	for _, want := range []string{"arch.", "os.linux", "kernel.", "tag"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in %q", want, all)
		}
	}
	if again, err := read(t.Context()); err != nil || again != first {
		t.Errorf("read again: %v, %v", again, err)
	}
}

// BenchmarkCycle measures the CPU time of collecting everything once. At the
// default interval that many microseconds are used each second: 5,000 are 0.5 %.
func BenchmarkCycle(b *testing.B) {
	cfg := config{Interval: pluginsdk.Duration(time.Second), Deadline: pluginsdk.Duration(time.Second), HardwareInterval: pluginsdk.Duration(10 * time.Second)}
	p, err := newProbe(pluginsdk.Env{Node: 1, Log: hclog.NewNullLogger()}, cfg)
	if err != nil {
		b.Fatal(err)
	}
	before := processTime(b)
	for b.Loop() {
		for _, c := range p.inventory.collectors {
			c.collect(b.Context())
		}
		if p.inventory.sample().GetDiskTotalBytes() == 0 {
			b.Fatal("no disk")
		}
	}
	b.ReportMetric(float64((processTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/cycle")
}

func processTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

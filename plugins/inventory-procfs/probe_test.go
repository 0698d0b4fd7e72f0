package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestThisMachineOverTheWire(t *testing.T) {
	c := plugintest.Start(t, newProbe, config{Version: "9.9", Tags: []string{"zone.a"}}, plugintest.WithNode(42))
	s := firstSample(t, c)
	if s.GetPeer() != 42 || s.GetMachineMemTotalBytes() != memTotal(t) || s.GetSoftwareVersion() != "9.9" || s.ForkedFrom != nil {
		t.Errorf("sample: %v", s)
	}
	if s.CpuLoad_1M == nil || s.SaturationTrend == nil || s.GetMemUsedBytes() == 0 || s.GetDiskUsedBytes() > s.GetDiskTotalBytes() {
		t.Errorf("sample: %v", s)
	}
	if got := s.GetCapabilities(); !slices.IsSorted(got) || !slices.Contains(got, "zone.a") || !slices.Contains(got, "os.linux") {
		t.Errorf("capabilities: %q", got)
	}
}

// firstSample waits for the first sample with every fact in it.
func firstSample(t *testing.T, c *plugintest.Client) (first *meshosv1.PeerInventory) {
	t.Helper()
	testkit.Until(t, "a whole sample", func() bool {
		samples, err := c.SampleInventory()
		if err != nil {
			t.Fatal(err)
		}
		if len(samples) == 1 {
			first = samples[0]
		}
		return first != nil && first.DiskTotalBytes != nil && len(first.GetCapabilities()) > 0
	})
	return first
}

func TestWrongConfigurationIsRefused(t *testing.T) {
	c := plugintest.Serve(t, newProbe)
	for name, cfg := range map[string]map[string]any{
		"relative path": {"disk_path": "var"},
		"another":       {"disk_paths": []any{"/", "var"}},
		"empty tag":     {"tags": []any{"a", " "}},
		"no interval":   {"interval": "0s"},
		"unknown key":   {"disk": "/"},
	} {
		if err := c.Validate(cfg); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.ReconfigureRaw(map[string]any{"disk_path": "/", "interval": "200ms"}); err != nil {
		t.Error(err)
	}
}

func TestIntervalsThatAreTooLongForTheNodeAreWarnedOf(t *testing.T) {
	for every, want := range map[time.Duration]int{time.Second: 0, time.Minute: 2} {
		cfg := config{Interval: pluginsdk.Duration(every), HardwareInterval: pluginsdk.Duration(every)}
		if got := cfg.warnings(); len(got) != want {
			t.Errorf("every %v: %q", every, got)
		}
	}
}

func TestTheRootIsWatchedUnlessPathsAreNamed(t *testing.T) {
	for want, cfg := range map[string]config{
		"/": {}, "/a /b": {DiskPaths: []string{"/a", "/b/", "/a"}}, "/c": {DiskPath: "/c"}, "/a /c": {DiskPaths: []string{"/a"}, DiskPath: "/c"},
	} {
		if got := strings.Join(cfg.paths(), " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

var (
	_ pluginsdk.InventoryProbe = (*probe)(nil)
	_ pluginsdk.Runner         = (*probe)(nil)
	_ pluginsdk.Warner         = (*probe)(nil)
)

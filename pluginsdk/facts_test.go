package pluginsdk_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestFactsHaveTheAgeOfTheirMeasurement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f pluginsdk.Facts
		if s := f.Sample(7); s != nil {
			t.Errorf("before anything was measured: %v", s)
		}
		f.Measured("disk", &meshosv1.PeerInventory{DiskTotalBytes: proto.Uint64(9), Capabilities: []string{"ssd"}, Temperatures: []*meshosv1.Temperature{{Sensor: "a"}}})
		time.Sleep(40 * time.Second)
		f.Measured("load", &meshosv1.PeerInventory{CpuLoad_1M: proto.Float64(1), Capabilities: []string{"fast"}, Temperatures: []*meshosv1.Temperature{{Sensor: "b"}}})
		time.Sleep(time.Second)
		check := func(s *meshosv1.PeerInventory, fact string, want time.Duration) {
			t.Helper()
			if got := s.GetAges()[fact]; got == nil || got.AsDuration() != want {
				t.Errorf("age of %s is %v, want %v: %v", fact, got.AsDuration(), want, s)
			}
		}
		s := f.Sample(7)
		if s.GetPeer() != 7 || s.GetDiskTotalBytes() != 9 || s.GetCpuLoad_1M() != 1 || len(s.GetCapabilities()) != 2 || len(s.GetAges()) != 3 {
			t.Errorf("sample: %v", s)
		}
		check(s, "disk_total_bytes", 41*time.Second)
		check(s, "cpu_load_1m", time.Second)
		check(s, "temperatures", 41*time.Second) // as its oldest part

		s.Capabilities[0] = "mine" // a sample belongs to the caller
		f.Measured("disk", &meshosv1.PeerInventory{DiskUsedBytes: proto.Uint64(3)})
		s = f.Sample(7)
		if s.DiskTotalBytes != nil || s.GetDiskUsedBytes() != 3 || s.GetCapabilities()[0] != "fast" {
			t.Errorf("a measurement replaces the one before: %v", s)
		}
		if _, aged := s.GetAges()["disk_used_bytes"]; aged {
			t.Errorf("measured just now: %v", s)
		}
		f.Forget("disk")
		f.Forget("no such")
		if s = f.Sample(7); s.DiskUsedBytes != nil || s.CpuLoad_1M == nil {
			t.Errorf("after it was forgotten: %v", s)
		}
	})
}

// remembers answers from memory.
type remembers struct{}

func newRemembers(_ pluginsdk.Env, _ struct{}) (remembers, error) { return remembers{}, nil }

func (remembers) SampleInventory(ctx context.Context) ([]*meshosv1.PeerInventory, error) {
	pluginsdk.Complete(ctx)
	return []*meshosv1.PeerInventory{{Peer: 1, Ages: map[string]*durationpb.Duration{"cpu_load_1m": durationpb.New(time.Minute)}}}, nil
}

func TestAgesAndCompletenessOfAnInventoryReachTheHost(t *testing.T) {
	c := plugintest.Start(t, newRemembers, struct{}{})
	samples, err := c.SampleInventory()
	if err != nil || len(samples) != 1 || samples[0].GetAges()["cpu_load_1m"].AsDuration() != time.Minute || !c.Complete() {
		t.Errorf("complete %v: %v, %v", c.Complete(), samples, err)
	}
}

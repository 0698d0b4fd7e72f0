package main

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

func TestRealListenersOverTheWire(t *testing.T) {
	peers := []pluginsdk.Peer{
		{ID: 2, Name: "up", HealthTarget: testkit.Accepting(t)},
		{ID: 3, Name: "down", HealthTarget: testkit.FreeAddress(t)},
		{ID: 4, Name: "without"},
	}
	patient := config{Timeout: pluginsdk.Duration(20 * time.Second), DegradedAfter: pluginsdk.Duration(10 * time.Second)}
	c := plugintest.Start(t, newProbe, patient, plugintest.WithPeers(peers...))
	want := map[uint64]pluginsdk.Health{2: pluginsdk.Healthy, 3: pluginsdk.Unreachable}
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(testkit.Patience); ; <-again.C {
		samples, err := c.SampleHealth()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range samples {
			if s.Health != want[s.Peer] {
				t.Fatalf("peer %d is first said to be %s, want %s", s.Peer, s.Health, want[s.Peer])
			}
		}
		if len(samples) == len(want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("verdicts after 20 s: %v", samples)
		}
	}
}

func TestWrongConfigurationIsRefused(t *testing.T) {
	c := plugintest.Serve(t, newProbe)
	for name, cfg := range map[string]map[string]any{
		"no connect can be slow": {"degraded_after": "2s"},
		"no failures":            {"failures": 0.0},
		"not a duration":         {"interval": "soon"},
		"unknown key":            {"retries": 3.0},
	} {
		if err := c.Validate(cfg); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var (
	_ pluginsdk.HealthProbe = (*probe)(nil)
	_ pluginsdk.Runner      = (*probe)(nil)
	_ pluginsdk.PeerWatcher = (*probe)(nil)
	_ pluginsdk.Warner      = (*probe)(nil)
)

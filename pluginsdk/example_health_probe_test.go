package pluginsdk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

type markersConfig struct {
	Dir string `json:"dir" required:"true" doc:"the folder in which each node that is up has a file"`
}

// markers is a health probe: a node is healthy as long as its file is there.
type markers struct{ dir string }

func newMarkers(_ pluginsdk.Env, cfg markersConfig) (*markers, error) { return &markers{cfg.Dir}, nil }

func (p *markers) SampleHealth(_ context.Context, peers []pluginsdk.Peer) (samples []pluginsdk.HealthSample, _ error) {
	for _, peer := range peers {
		sample := pluginsdk.HealthSample{Peer: peer.ID, Health: pluginsdk.Healthy}
		_, err := os.Stat(filepath.Join(p.dir, peer.Name))
		switch {
		case errors.Is(err, os.ErrNotExist):
			sample.Health, sample.Reason = pluginsdk.Unreachable, "its file is gone" // an answer, not an error
		case err != nil:
			return nil, err // the probe can't work
		}
		samples = append(samples, sample)
	}
	return samples, nil
}

func ExampleHealthProbe() {
	asTest(func(t testing.TB) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "left"), nil, 0o644); err != nil {
			t.Fatalf("%v", err)
		}
		plugin := plugintest.Start(t, newMarkers, markersConfig{Dir: dir})
		samples, err := plugin.SampleHealth(
			pluginsdk.Peer{ID: 2, Name: "left"},
			pluginsdk.Peer{ID: 3, Name: "right"},
		)
		for _, s := range samples {
			fmt.Printf("peer %d %s %q\n", s.Peer, s.Health, s.Reason)
		}
		fmt.Println(err)
	})
	// Output:
	// peer 2 healthy ""
	// peer 3 unreachable "its file is gone"
	// <nil>
}

package host

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
)

func TestAReloadThatAPluginRefusedIsAskedOfItAgain(t *testing.T) {
	plugin := func(name, interval string) config.Plugin {
		return config.Plugin{Name: name, Path: "/" + name, Config: map[string]any{"interval": interval}}
	}
	current := &config.Config{
		Peer:   []config.Peer{{ID: 2}},
		Plugin: []config.Plugin{plugin("took", "1s"), plugin("refused", "1s")},
	}
	next := &config.Config{
		Peer:   []config.Peer{{ID: mesh.NodeID(3)}},
		Plugin: []config.Plugin{plugin("took", "2s"), plugin("refused", "2s"), plugin("added", "2s")},
	}
	next.Plugin[0].Path = "/elsewhere"
	want := &config.Config{
		Peer:   []config.Peer{{ID: 3}},
		Plugin: []config.Plugin{plugin("took", "2s"), plugin("refused", "1s")},
	}
	if diff := cmp.Diff(want, inForce(current, next, []string{"refused"})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

package reload

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
)

func TestAReloadThatAPluginRefusedIsAskedOfItAgain(t *testing.T) {
	plugin := func(name, interval string) config.Plugin {
		return config.Plugin{Name: name, Path: "/" + name, Config: map[string]any{"interval": interval}}
	}
	current := &config.Config{
		Peers:   []config.Peer{{ID: 2}},
		Plugins: []config.Plugin{plugin("took", "1s"), plugin("refused", "1s")},
	}
	next := &config.Config{
		Peers:   []config.Peer{{ID: mesh.NodeID(3)}},
		Plugins: []config.Plugin{plugin("took", "2s"), plugin("refused", "2s"), plugin("added", "2s")},
	}
	next.Plugins[0].Path, next.Plugins[0].Required = "/elsewhere", true
	next.Plugins[1].SHA256 = "ab"
	want := &config.Config{
		Peers:   []config.Peer{{ID: 3}},
		Plugins: []config.Plugin{plugin("took", "2s"), plugin("refused", "1s")},
	}
	want.Plugins[0].Path, want.Plugins[1].SHA256 = "/elsewhere", "ab"
	if diff := cmp.Diff(want, inForce(current, next, map[string]refusal{"refused": {error: errors.New("no")}})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// hanging are plugins of which some never answer.
type hanging struct {
	mu    sync.Mutex
	never []string
	took  map[string]any
}

func (h *hanging) Change(ctx context.Context, next config.Plugin) (entry, config error) {
	if slices.Contains(h.never, next.Name) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.took[next.Name] = maps.Clone(next.Config)
	return nil, nil
}

func TestAPluginThatHangsOnAReloadKeepsNoOtherFromIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plugin := func(name string, n int) config.Plugin {
			return config.Plugin{Name: name, Config: map[string]any{"n": n}}
		}
		current := &config.Config{Plugins: []config.Plugin{plugin("a", 1), plugin("b", 1), plugin("c", 1), plugin("same", 1)}}
		next := &config.Config{Plugins: []config.Plugin{plugin("a", 2), plugin("b", 2), plugin("c", 2), plugin("same", 1), plugin("added", 1)}}
		plugins := &hanging{never: []string{"a", "b"}, took: make(map[string]any)}
		var kept map[string]refusal
		within(t.Context(), time.Second, func(ctx context.Context) {
			kept = changePlugins(ctx, plugins, current, next)
		})
		if diff := cmp.Diff(map[string]any{"c": map[string]any{"n": 2}}, plugins.took); diff != "" {
			t.Errorf("taken: -want +got:\n%s", diff)
		}
		if diff := cmp.Diff([]string{"a", "b"}, slices.Sorted(maps.Keys(kept))); diff != "" {
			t.Errorf("kept: -want +got:\n%s", diff)
		}
	})
}

// Appenders are subscribed once, at the start of a node.
func TestWhoStoresRecordsNeedsARestart(t *testing.T) {
	for _, c := range []struct {
		old, next, want []string
	}{
		{[]string{"health_probe"}, []string{"locality_probe"}, []string{"locality_probe"}},
		{nil, []string{"chain_appender"}, nil},
		{[]string{"chain_appender"}, []string{"actuator"}, []string{"chain_appender"}},
		{[]string{"chain_appender"}, []string{"chain_appender", "actuator"}, []string{"chain_appender", "actuator"}},
	} {
		got := takenOver(config.Plugin{Kinds: c.old}, config.Plugin{Kinds: c.next})
		if diff := cmp.Diff(c.want, got.Kinds); diff != "" {
			t.Errorf("%v to %v: -want +got:\n%s", c.old, c.next, diff)
		}
	}
}

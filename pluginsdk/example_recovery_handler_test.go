package pluginsdk_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// slots is a recovery handler: what was placed on a node that is not healthy moves to
// one that is.
type slots struct {
	mu    sync.Mutex
	nodes []uint64 // by slot
}

func newSlots(pluginsdk.Env, struct{}) (*slots, error) { return &slots{nodes: []uint64{2, 3, 2}}, nil }

func (p *slots) Recover(_ context.Context, healthy []uint64) (moved []uint32, _ []*meshosv1.Event, _ error) {
	if len(healthy) == 0 {
		return nil, nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, node := range p.nodes {
		if !slices.Contains(healthy, node) {
			p.nodes[i] = healthy[0]
			moved = append(moved, uint32(i))
		}
	}
	return moved, nil, nil
}

func ExampleRecoveryHandler() {
	asTest(func(t testing.TB) {
		plugin := plugintest.Start(t, newSlots, struct{}{})
		for range 2 {
			moved, _, err := plugin.Recover(3, 4)
			fmt.Println(moved, err)
		}
	})
	// Output:
	// [0 2] <nil>
	// [] <nil>
}

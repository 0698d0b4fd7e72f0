package pluginsdk_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

type labelsConfig struct {
	Labels []string `json:"labels" doc:"what this node can do"`
}

// labels is an inventory probe that reports what an operator has configured.
type labels struct {
	node   uint64
	labels []string
}

func newLabels(env pluginsdk.Env, cfg labelsConfig) (*labels, error) {
	return &labels{env.Node, cfg.Labels}, nil
}

func (p *labels) SampleInventory(context.Context) ([]*meshosv1.PeerInventory, error) {
	// Fields that are not set are unknown; other probes may know them.
	return []*meshosv1.PeerInventory{{Peer: p.node, Capabilities: p.labels}}, nil
}

func ExampleInventoryProbe() {
	asTest(func(t testing.TB) {
		plugin := plugintest.Start(t, newLabels, labelsConfig{Labels: []string{"gpu", "ssd"}}, plugintest.WithNode(4))
		samples, err := plugin.SampleInventory()
		for _, s := range samples {
			fmt.Println("node", s.GetPeer(), "can do", s.GetCapabilities())
		}
		fmt.Println(err)
	})
	// Output:
	// node 4 can do [gpu ssd]
	// <nil>
}

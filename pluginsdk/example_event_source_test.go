package pluginsdk_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

type holdingsConfig struct {
	Chains []uint64 `json:"chains" doc:"the chains that this node holds"`
}

// holdings is an event source: it says once which chains this node holds.
type holdings struct {
	node   uint64
	chains []uint64
}

func newHoldings(env pluginsdk.Env, cfg holdingsConfig) (*holdings, error) {
	return &holdings{env.Node, cfg.Chains}, nil
}

func (p *holdings) Events(_ context.Context, send func([]*meshosv1.Event) error) error {
	for _, chain := range p.chains {
		err := send([]*meshosv1.Event{{Kind: &meshosv1.Event_ReplicaUpdate{ReplicaUpdate: &meshosv1.ReplicaUpdate{
			Kind: meshosv1.ReplicaUpdate_KIND_ADDED, Chain: chain, Holder: p.node,
		}}}})
		if err != nil {
			return err // the host calls Events again
		}
	}
	return nil // there is nothing more to say; a source that watches something waits here
}

func ExampleEventSource() {
	asTest(func(t testing.TB) {
		plugin := plugintest.Start(t, newHoldings, holdingsConfig{Chains: []uint64{7, 9}}, plugintest.WithNode(4))
		events, err := plugin.Events(2)
		for _, e := range events {
			fmt.Println("node", e.GetReplicaUpdate().GetHolder(), "holds chain", e.GetReplicaUpdate().GetChain())
		}
		fmt.Println(err)
	})
	// Output:
	// node 4 holds chain 7
	// node 4 holds chain 9
	// <nil>
}

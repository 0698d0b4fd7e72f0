package pluginsdk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

type timesConfig struct {
	Times map[string]pluginsdk.Duration `json:"times" doc:"round-trip times by address"`
}

// times is a locality probe that knows the round-trip times without measuring.
type times struct{ byAddress map[string]pluginsdk.Duration }

func newTimes(_ pluginsdk.Env, cfg timesConfig) (*times, error) { return &times{cfg.Times}, nil }

func (p *times) SampleRTT(ctx context.Context, peers []pluginsdk.Peer) (samples []pluginsdk.RTTSample, _ error) {
	pluginsdk.Complete(ctx) // a peer that is not in the answer has no time any more
	for _, peer := range peers {
		if rtt, ok := p.byAddress[peer.Address]; ok { // a peer that did not answer has no sample
			samples = append(samples, pluginsdk.RTTSample{Peer: peer.ID, RTT: time.Duration(rtt)})
		}
	}
	return samples, nil
}

func ExampleLocalityProbe() {
	asTest(func(t testing.TB) {
		plugin := plugintest.Start(t, newTimes, timesConfig{
			Times: map[string]pluginsdk.Duration{"10.0.0.2": pluginsdk.Duration(3 * time.Millisecond)},
		})
		samples, err := plugin.SampleRTT(
			pluginsdk.Peer{ID: 2, Address: "10.0.0.2"},
			pluginsdk.Peer{ID: 3, Address: "10.0.0.3"},
		)
		for _, s := range samples {
			fmt.Println("peer", s.Peer, s.RTT)
		}
		fmt.Println(plugin.Complete(), err)
	})
	// Output:
	// peer 2 3ms
	// true <nil>
}

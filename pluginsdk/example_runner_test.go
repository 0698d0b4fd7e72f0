package pluginsdk_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

type backgroundConfig struct {
	Every pluginsdk.Duration `json:"every" default:"1s" min:"1ms" doc:"how often each peer is measured"`
}

// background is a locality probe that measures in Run and answers from memory, so that
// no tick waits for it.
type background struct {
	every time.Duration

	mu     sync.Mutex // Run, SetPeers and calls come at the same time
	peers  []pluginsdk.Peer
	latest []pluginsdk.RTTSample
}

func newBackground(_ pluginsdk.Env, cfg backgroundConfig) (*background, error) {
	return &background{every: time.Duration(cfg.Every)}, nil
}

func (p *background) SetPeers(peers []pluginsdk.Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peers = peers
}

func (p *background) Run(ctx context.Context) error {
	again := time.NewTicker(p.every)
	defer again.Stop()
	for {
		p.measure()
		select {
		case <-again.C:
		case <-ctx.Done(): // another configuration, or the end
			return nil
		}
	}
}

func (p *background) measure() {
	p.mu.Lock()
	peers := p.peers
	p.mu.Unlock()
	var latest []pluginsdk.RTTSample
	for _, peer := range peers { // this is what takes long in a real probe
		latest = append(latest, pluginsdk.RTTSample{Peer: peer.ID, RTT: time.Millisecond})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest = latest
}

func (p *background) SampleRTT(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latest, nil
}

func ExampleRunner() {
	asTest(func(t testing.TB) {
		plugin := plugintest.Start(t, newBackground, backgroundConfig{}, plugintest.WithPeers(pluginsdk.Peer{ID: 2}))
		for {
			samples, err := plugin.SampleRTT()
			if err != nil {
				t.Fatalf("%v", err)
			}
			for _, s := range samples {
				fmt.Println("peer", s.Peer, s.RTT)
				return
			}
		}
	})
	// Output:
	// peer 2 1ms
}

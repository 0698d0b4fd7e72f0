// constant-rtt returns the same round-trip time for every peer. It is the smallest complete
// plugin: copy it to begin your own.
package main

import (
	"context"
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

type config struct {
	RTT pluginsdk.Duration `json:"rtt" default:"1ms" doc:"round-trip time to every peer"`
}

type constant struct{ rtt time.Duration }

func (c *constant) SampleRTT(_ context.Context, peers []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
	var out []pluginsdk.RTTSample
	for _, p := range peers {
		out = append(out, pluginsdk.RTTSample{Peer: p.ID, RTT: c.rtt})
	}
	return out, nil
}

func newConstant(_ pluginsdk.Env, cfg config) (*constant, error) {
	return &constant{rtt: time.Duration(cfg.RTT)}, nil
}

func main() {
	pluginsdk.Main(pluginsdk.Info{Name: "constant-rtt", Version: "1.0.0"}, newConstant)
}

package main

import (
	"context"
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

func main() {
	pluginsdk.Main(pluginsdk.Info{Name: "sdkplugin", Version: "1.0.0", Doc: "Answers with samples that it did not measure.", SharedPeers: true},
		func(pluginsdk.Env, struct{}) (*probe, error) { return &probe{}, nil })
}

type probe struct{}

// SampleRTT answers with samples as a probe has them that measured all peers.
func (*probe) SampleRTT(ctx context.Context, peers []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
	out := make([]pluginsdk.RTTSample, len(peers))
	for i, peer := range peers {
		out[i] = pluginsdk.RTTSample{
			Peer: peer.ID, RTT: time.Millisecond + time.Duration(i),
			Sent: 20, Received: 20, Jitter: time.Microsecond + time.Duration(i), Round: 7,
		}
	}
	pluginsdk.Complete(ctx)
	return out, nil
}

package main

import (
	"context"
	"fmt"

	"github.com/meshos/meshos/pluginsdk"
)

// SampleHealth returns what the seeds say of the peers' sessions. While this node has no link
// it knows nothing, and says nothing: so nobody turns unreachable because of a fault here.
func (n *node) SampleHealth(ctx context.Context, peers []pluginsdk.Peer) ([]pluginsdk.HealthSample, error) {
	known, complete := n.board.everybody()
	if !complete || !n.board.linkNow().connected {
		return nil, nil
	}
	var out []pluginsdk.HealthSample
	for _, to := range peers {
		p, heard := known[to.ID]
		switch {
		case !heard:
		case !p.left:
			out = append(out, pluginsdk.HealthSample{Peer: to.ID, Health: pluginsdk.Healthy})
		case p.orderly:
			out = append(out, pluginsdk.HealthSample{Peer: to.ID, Health: pluginsdk.Unreachable, Reason: "it has ended in order"})
		default:
			out = append(out, pluginsdk.HealthSample{Peer: to.ID, Health: pluginsdk.Unreachable, Reason: fmt.Sprintf("not heard by the seeds for %s", n.cfg.session())})
		}
	}
	pluginsdk.Complete(ctx)
	return out, nil
}

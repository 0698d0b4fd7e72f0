package main

import (
	"context"
	"slices"
	"time"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// heardWithin is how long ago a holder that has all of a chain was heard of by its leader.
const heardWithin = 2 * ownEvery

// handOver has another holder lead a chain that this node leads.
func (h *holder) handOver(ctx context.Context, a *meshosv1.TransferLeader) error {
	to := hubName(a.GetTo())
	if i, held := h.held.now()[a.GetChain()]; held && i.Leader == to {
		return nil
	}
	c, i, err := h.led(ctx, a.GetChain())
	switch {
	case err != nil && i.Leader == to:
		return nil
	case err != nil:
		return err
	case i.Changing || h.underWay(a.GetChain()) != nil:
		return later("who holds chain %d is being changed", a.GetChain())
	}
	return h.await(ctx, h.beginMove(a.GetChain(), chains.Change{
		Kind: chains.Handover, Stream: streamOf(c), Self: hubName(h.id), Targets: []string{to},
	}))
}

// currentHolders returns the holders that have all of a chain, as its leader sees it. While programs
// write, a follower is often a few entries behind at the moment of a look: so one that was told
// as current is taken out only when it was behind at two looks.
func currentHolders(self uint64, i chains.Info, before toldChain) (current, behind []uint64) {
	for _, p := range i.Peers {
		id := seedOf(p.Name)
		switch {
		case id == 0 || p.Pending:
		case id == self || p.Current && !p.Offline && p.Active < heardWithin:
			current = append(current, id)
		case slices.Contains(before.current, id) && !slices.Contains(before.behind, id) && !p.Offline:
			current, behind = append(current, id), append(behind, id)
		}
	}
	slices.Sort(current)
	return current, behind
}

// currentEvent says who has all of a chain.
func currentEvent(chain uint64, holders []uint64) *meshosv1.Event {
	return &meshosv1.Event{Kind: &meshosv1.Event_ReplicaCurrent{ReplicaCurrent: &meshosv1.ReplicaCurrent{Chain: chain, Holders: holders}}}
}

// election is what the engine announced of who leads a chain.
type election struct {
	leader string
	at     time.Time
}

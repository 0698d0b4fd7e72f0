package intake

import (
	"context"
	"testing"

	"github.com/meshos/meshos/host/capacity"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Whoever brings more than the node may remember has it refused, and the rest taken.
func TestP5_WhatIsOverTheCapacityIsRefusedAtTheWayIn(t *testing.T) {
	ctx, l, in, end := letIn(t, nil)
	var failed []string
	in.capacity = capacity.New(capacity.Options{
		Limits: capacity.Limits{Peers: 10, Chains: 100, Daemons: 10, Blobs: 10, HoldersPerChain: 3, NameBytes: 16},
		Node:   1, Read: l.Feed().ReadState, Report: func(source, reason string) { failed = append(failed, source+": "+reason) },
	})
	chains := func(first, last mesh.ChainID) (out []mesh.Event) {
		for id := first; id <= last; id++ {
			out = append(out, mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: id, Holder: 2})
		}
		return out
	}
	publish := func(from Source, events []mesh.Event, taken int) {
		t.Helper()
		result, err := in.Client(from).PublishBatch(ctx, events)
		if err != nil || result.Taken != taken || len(result.Refused) != len(events)-taken {
			t.Errorf("took %d of %d, refused %d, want %d taken: %v", result.Taken, len(events), len(result.Refused), taken, err)
		}
		for _, r := range result.Refused {
			if r.Verdict.Kind != mesh.RejectCapacity {
				t.Errorf("refused: %v", r.Verdict)
			}
		}
	}
	publish(plugin(), chains(1, 1000), 50)
	publish(API(), chains(1, 1000), 100)
	publish(plugin(), chains(1, 100), 100)
	var holders []mesh.Event
	for n := range mesh.NodeID(20) {
		holders = append(holders, mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: n + 2})
	}
	publish(API(), holders, 3) // the first is one already
	publish(API(), []mesh.Event{mesh.AdminReceived{Event: mesh.DropReplicas{Node: 1, Chains: []mesh.ChainID{500}}}}, 0)
	publish(API(), []mesh.Event{mesh.AdminReceived{Event: mesh.Cordon{Node: 2}}}, 1)
	var known state.Known
	if err := l.Feed().ReadState(context.Background(), func(s *state.State) { known = s.Known() }); err != nil {
		t.Fatal(err)
	}
	if len(known.Chains) != 100 || len(failed) != 3 {
		t.Errorf("%d chains, failures %q", len(known.Chains), failed)
	}
	end()
}

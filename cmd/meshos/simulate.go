package main

import (
	"bytes"
	"context"
	"errors"

	"github.com/meshos/meshos/host/operator"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// simulation is what the node says a break-glass command would do.
type simulation struct {
	answer   *hostv1.SimulateResponse
	blast    *meshosv1.BlastRadius
	hash     []byte
	cooldown *hostv1.Cooldown // for which the command would have to wait; nil for none
}

// simulate asks the node, and checks that the hash belongs to the blast radius: an operator
// signs the hash, and must have seen what it stands for.
func (n *nodeClient) simulate(ctx context.Context, event *meshosv1.AdminEvent) (simulation, error) {
	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	answer, err := n.Simulate(ctx, &hostv1.SimulateRequest{Event: event, AllNodes: true})
	if err != nil {
		return simulation{}, n.explain(err)
	}
	n.answered = true
	out := simulation{answer: answer, blast: answer.GetBlastRadius(), hash: answer.GetBlastHash(), cooldown: answer.GetCooldown()}
	if sum, err := operator.Hash(out.blast); err != nil || !bytes.Equal(sum[:], out.hash) {
		return simulation{}, errors.New("the hash in the node's answer does not belong to the blast radius in it; don't sign it\n" +
			"    the node may run another version of meshos: compare meshos version")
	}
	return out, nil
}

package capacity

import (
	"context"
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// An intent is about something that exists: an id that neither the configuration nor an
// event has named is more likely mistyped, and would be remembered for ever.

// subjectOf returns what an order must find here; its kind is nothing if that is nothing.
func subjectOf(ev mesh.Event, self mesh.NodeID) need {
	switch ev := ev.(type) {
	case mesh.DaemonIntent:
		return daemon(ev.Daemon)
	case mesh.PlacementIntent:
		return need{kind: chains, id: uint64(ev.Chain)}
	case mesh.LocalReplicaIntent:
		return need{kind: chains, id: uint64(ev.Chain)}
	case mesh.AdminReceived:
		switch order := ev.Event.(type) {
		case mesh.SetDaemonIntent:
			if order.Node == self {
				return daemon(order.Daemon)
			}
		case mesh.RestartDaemon:
			if order.Node == self {
				return daemon(order.Daemon)
			}
		case mesh.ReloadDaemon:
			if order.Node == self {
				return daemon(order.Daemon)
			}
		case mesh.SignalDaemon:
			if order.Node == self {
				return daemon(order.Daemon)
			}
		case mesh.SetPlacement:
			if order.Node == self {
				return need{kind: chains, id: uint64(order.Chain)}
			}
		case mesh.SetLocalReplica:
			if order.Node == self {
				return need{kind: chains, id: uint64(order.Chain)}
			}
		}
	}
	return need{kind: nothing}
}

// unknown returns why an order about something that nobody has heard of may not come in.
func (g *Gate) unknown(ctx context.Context, n need) *Refusal {
	if n.kind == nothing || g.knows(n) {
		return nil
	}
	if g.align(ctx) && g.knows(n) {
		return nil
	}
	return &Refusal{What: Unknown, Message: fmt.Sprintf(
		"%s %d is not known: neither the configuration nor an event has named it", n.kind.one(), n.id)}
}

func (g *Gate) knows(n need) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	x := &g.indexes[n.kind]
	return x.configured[n.id] || x.entries.Get(n.id) != nil
}

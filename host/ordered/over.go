package ordered

import (
	"slices"
	"sync"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// An order takes precedence until the configuration's own value changes. So an entry keeps what
// the configuration said when the order came: a node that is killed before its next checkpoint
// may begin with another file.

// overs is the configuration, as orders find it.
type overs struct {
	mu      sync.Mutex
	peers   map[mesh.NodeID]mesh.ConfiguredPeer
	chains  map[mesh.ChainID]mesh.ConfiguredChain
	daemons map[mesh.DaemonID]mesh.ConfiguredDaemon
}

// Configure tells the log which configuration orders take precedence over from now on. Restore
// does so for the one with which the node begins.
func (l *Log) Configure(desired mesh.Configured) {
	o := &l.overs
	o.mu.Lock()
	defer o.mu.Unlock()
	o.peers = make(map[mesh.NodeID]mesh.ConfiguredPeer, len(desired.Peers))
	for _, p := range desired.Peers {
		o.peers[p.ID] = p
	}
	o.chains = make(map[mesh.ChainID]mesh.ConfiguredChain, len(desired.Chains))
	for _, c := range desired.Chains {
		o.chains[c.ID] = c
	}
	o.daemons = make(map[mesh.DaemonID]mesh.ConfiguredDaemon, len(desired.Daemons))
	for _, d := range desired.Daemons {
		o.daemons[d.Daemon.ID] = d
	}
}

// of returns what the configuration says of what an order sets; nil if it sets nothing that a
// configuration sets too.
func (o *overs) of(ev mesh.Event, this mesh.NodeID) *meshosv1.OrderedOver {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch ev := ev.(type) {
	case mesh.AdminReceived:
		return o.ofAdmin(ev.Event, this)
	case mesh.PlacementIntent:
		return o.ofChains(ev.Chain)
	case mesh.LocalReplicaIntent:
		return o.ofChains(ev.Chain)
	case mesh.DaemonIntent:
		return o.ofDaemon(ev.Daemon)
	}
	return nil
}

func (o *overs) ofAdmin(ev mesh.AdminEvent, this mesh.NodeID) *meshosv1.OrderedOver {
	node := mesh.NodeID(0)
	switch ev := ev.(type) {
	case mesh.SetDaemonIntent:
		if ev.Node == this {
			return o.ofDaemon(ev.Daemon)
		}
	case mesh.ForceRestartDaemon: // one that should not run is not restarted
		return o.ofDaemon(ev.Daemon)
	case mesh.SetPlacement:
		if ev.Node == this {
			return o.ofChains(ev.Chain)
		}
	case mesh.SetChain:
		return o.ofChains(ev.Chain)
	case mesh.SetLocalReplica:
		if ev.Node == this {
			return o.ofChains(ev.Chain)
		}
	case mesh.DropReplicas:
		if ev.Node == this {
			return o.ofChains(ev.Chains...)
		}
	case mesh.EnterMaintenance:
		node = ev.Node
	case mesh.ExitMaintenance:
		node = ev.Node
	case mesh.Drain:
		node = ev.Node
	case mesh.Cordon:
		node = ev.Node
	}
	if node == 0 || node == this {
		return nil
	}
	out := &meshosv1.OrderedOver_Node{Node: uint64(node)}
	if p, configured := o.peers[node]; configured {
		out.Peer = &p.Name
	}
	return &meshosv1.OrderedOver{Nodes: []*meshosv1.OrderedOver_Node{out}}
}

func (o *overs) ofDaemon(ref mesh.DaemonRef) *meshosv1.OrderedOver {
	out := &meshosv1.OrderedOver_Daemon{Daemon: &meshosv1.DaemonRef{Id: uint64(ref.ID), Name: ref.Name}}
	if d, configured := o.daemons[ref.ID]; configured {
		node := uint64(d.Node)
		out.Run, out.Node = &d.Run, &node
	}
	return &meshosv1.OrderedOver{Daemons: []*meshosv1.OrderedOver_Daemon{out}}
}

func (o *overs) ofChains(ids ...mesh.ChainID) *meshosv1.OrderedOver {
	out := &meshosv1.OrderedOver{}
	for _, id := range ids {
		c := o.chains[id]
		out.Chains = append(out.Chains, &meshosv1.OrderedOver_Chain{
			Chain: uint64(id), Replicas: c.Replicas, Hold: meshosv1.LocalReplicaIntent_Intent(c.Hold),
		})
	}
	return out
}

// peersAt returns the configuration of a node that begins, with and without the peers of which a
// checkpoint says that they were in it. Else an entry above it, which says the same, would seem to
// come after they were taken out or added: what was ordered of a peer goes with it.
func peersAt(nodes []state.NodeOrder, b state.Boot) (out mesh.Configured) {
	out = b.Desired
	for _, n := range nodes {
		at := slices.IndexFunc(out.Peers, func(p mesh.ConfiguredPeer) bool { return p.ID == n.Node })
		if n.Node != b.Node && (at >= 0) != n.Peer {
			out.Peers = with(out.Peers, at, mesh.ConfiguredPeer{ID: n.Node}, n.Peer)
		}
	}
	return out
}

// asOf returns a configuration that says what over holds, and else what desired says. changed
// reports whether that is not what desired says anyway.
func asOf(over *meshosv1.OrderedOver, desired mesh.Configured) (out mesh.Configured, changed bool) {
	out = desired
	for _, n := range over.GetNodes() {
		p := mesh.ConfiguredPeer{ID: mesh.NodeID(n.GetNode()), Name: n.GetPeer()}
		at := slices.IndexFunc(out.Peers, func(other mesh.ConfiguredPeer) bool { return other.ID == p.ID })
		if (at >= 0) == (n.Peer != nil) {
			continue
		}
		changed = true
		out.Peers = with(out.Peers, at, p, n.Peer != nil)
	}
	for _, c := range over.GetChains() {
		next := mesh.ConfiguredChain{ID: mesh.ChainID(c.GetChain()), Replicas: c.Replicas, Hold: mesh.HoldIntent(c.GetHold())}
		at := slices.IndexFunc(out.Chains, func(other mesh.ConfiguredChain) bool { return other.ID == next.ID })
		before := mesh.ConfiguredChain{}
		if at >= 0 {
			before = out.Chains[at]
		}
		if before.Hold == next.Hold && (before.Replicas == nil) == (next.Replicas == nil) &&
			(next.Replicas == nil || *before.Replicas == *next.Replicas) {
			continue
		}
		changed = true
		out.Chains = with(out.Chains, at, next, true)
	}
	for _, d := range over.GetDaemons() {
		ref := mesh.DaemonRef{ID: mesh.DaemonID(d.GetDaemon().GetId()), Name: d.GetDaemon().GetName()}
		at := slices.IndexFunc(out.Daemons, func(other mesh.ConfiguredDaemon) bool { return other.Daemon.ID == ref.ID })
		next := mesh.ConfiguredDaemon{Daemon: ref}
		if at >= 0 {
			next = out.Daemons[at]
		}
		if (at >= 0) == (d.Run != nil) && (d.Run == nil || next.Run == d.GetRun() && next.Node == mesh.NodeID(d.GetNode())) {
			continue
		}
		changed = true
		next.Run, next.Node = d.GetRun(), mesh.NodeID(d.GetNode())
		out.Daemons = with(out.Daemons, at, next, d.Run != nil)
	}
	return out, changed
}

// with returns a copy of a list whose item at a place is another one, or is not there. A place
// below 0 is one that is not there yet.
func with[T any](list []T, at int, item T, there bool) []T {
	out := slices.Clone(list)
	switch {
	case at < 0 && there:
		return append(out, item)
	case at < 0:
		return out
	case there:
		out[at] = item
		return out
	}
	return slices.Delete(out, at, at+1)
}

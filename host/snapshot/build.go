package snapshot

import (
	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot/shared"
	"github.com/meshos/meshos/host/state"
)

// Build returns the view of a node at the given time, made anew.
func Build(s *state.State, at mesh.Stamp) *Snapshot { return NewBuilder().build(s, at, everything()) }

// Builder builds the snapshots of one state, one after the other. It keeps the lists and
// makes anew what was touched since the snapshot before. The owner of the state owns it too.
type Builder struct {
	local local

	daemons  *shared.Editor[mesh.DaemonID, Daemon]
	restless map[mesh.DaemonID]bool // whose entry may change although nothing touches them
	replicas *shared.Editor[mesh.ChainID, Replica]
	held     int                                    // how many of them this node holds
	led      int                                    // and leads
	waited   *shared.Editor[mesh.ChainID, struct{}] // those that it holds; nil unless it is waited for that it holds none
	peers    *shared.Editor[mesh.NodeID, Peer]
	avoid    *shared.Editor[mesh.NodeID, Avoid]
	cutOff   *CutOff
	waiting  []mesh.DaemonRef // that maintenance or a drain waits for

	nodeOrders   *shared.Editor[mesh.NodeID, state.NodeOrder]
	daemonOrders *shared.Editor[mesh.DaemonID, state.DaemonOrder]
	gateOrders   *shared.Editor[mesh.DaemonID, state.GateOrder]
	unshown      *shared.Editor[mesh.ChainID, state.ChainOrder] // of chains that are not among replicas

	next next
}

// next is the entry that is being made, here so that making one allocates nothing.
type next struct {
	daemon  Daemon
	replica Replica
	peer    Peer
	order   state.ChainOrder
}

// perChunk is how many entries are copied when one of them changes.
const perChunk = 16

// NewBuilder returns a builder of which no state was asked yet.
func NewBuilder() *Builder {
	return &Builder{
		daemons:      shared.NewEditor[mesh.DaemonID, Daemon](perChunk),
		restless:     make(map[mesh.DaemonID]bool),
		replicas:     shared.NewEditor[mesh.ChainID, Replica](perChunk),
		peers:        shared.NewEditor[mesh.NodeID, Peer](perChunk),
		avoid:        shared.NewEditor[mesh.NodeID, Avoid](perChunk),
		nodeOrders:   shared.NewEditor[mesh.NodeID, state.NodeOrder](perChunk),
		daemonOrders: shared.NewEditor[mesh.DaemonID, state.DaemonOrder](perChunk),
		gateOrders:   shared.NewEditor[mesh.DaemonID, state.GateOrder](perChunk),
		unshown:      shared.NewEditor[mesh.ChainID, state.ChainOrder](perChunk),
	}
}

// everything is before a builder that has built nothing.
func everything() state.Touched {
	return state.Touched{
		Daemons: marks.Touched[mesh.DaemonID]{All: true}, Chains: marks.Touched[mesh.ChainID]{All: true},
		Peers: marks.Touched[mesh.NodeID]{All: true}, Avoided: marks.Touched[mesh.NodeID]{All: true},
	}
}

// Build returns the view of the node at the given time, and takes what was touched. A state
// has one Builder: what one has taken, another does not see.
func (b *Builder) Build(s *state.State, at mesh.Stamp) *Snapshot {
	snap := b.build(s, at, s.Touched(marks.Snapshot))
	s.Taken(marks.Snapshot)
	return snap
}

func (b *Builder) build(s *state.State, at mesh.Stamp, t state.Touched) *Snapshot {
	b.updateDaemons(s, t.Daemons)
	b.updateReplicas(s, t.Chains)
	b.updatePeers(s, t.Peers)
	b.updateAvoidList(s, t.Avoided)
	return b.publish(s, at)
}

func (b *Builder) publish(s *state.State, at mesh.Stamp) *Snapshot {
	replicas := b.replicas.Publish()
	snap := &Snapshot{
		Node:         s.Node(),
		Epoch:        s.Epoch(),
		Tick:         s.Passes(),
		Regular:      s.Ticks(),
		TakenAt:      at.Wall,
		Now:          at.At,
		Daemons:      b.daemons.Publish(),
		Replicas:     replicas,
		Peers:        b.peers.Publish(),
		AvoidList:    b.avoid.Publish(),
		Maintenance:  b.maintenance(s),
		CutOff:       b.cutOff,
		Emitted:      s.Emitted(),
		Migrations:   s.Migrations(),
		Audit:        s.Audit(),
		Logs:         s.Logs(),
		Failures:     s.Failures(),
		Actions:      s.Actions(),
		Acknowledged: AcknowledgedThrough(s.Acknowledged()),
		Moving:       s.Moving(),
		Held:         b.held,
		Sessions:     s.Sessions(),
		Led:          b.led,
		Orders: Orders{
			ofNode: s.OrdersOfNode(), nodes: b.nodeOrders.Publish(), daemons: b.daemonOrders.Publish(),
			gates: b.gateOrders.Publish(), replicas: replicas, unshown: b.unshown.Publish(),
		},
	}
	snap.Frozen = markIf(s.FrozenUntil())
	return snap
}

func (b *Builder) maintenance(s *state.State) Maintenance {
	m := s.Maintenance()
	v := Maintenance{
		Phase: m.Phase, Reason: m.Reason, Cordoned: m.Cordoned, Draining: m.Draining, Ordered: order(&m.By),
		Since: markIf(m.Since, m.HasSince), Deadline: markIf(m.Deadline, m.HasDeadline),
	}
	if b.waited != nil {
		v.Waiting.Chains = b.waited.Publish()
	}
	v.Waiting.Daemons = b.waiting
	return v
}

// order returns the order of the ordered log that something comes from. Orders are never
// written to, so it is shared.
func order(by *state.Origin) *Order {
	if by == nil || by.Height == 0 {
		return nil
	}
	return by
}

func sameOrder(a, b *Order) bool {
	return a.Height == b.Height && a.At == b.At && a.Operators == b.Operators
}

// set sets an entry, or removes it if there is none any more. It returns 1 if there is one.
func set[K ~uint64, V any](e *shared.Editor[K, V], k K, v *V, ok bool, equal func(a, b *V) bool) int {
	if ok {
		e.Update(k, v, equal)
		return 1
	}
	e.Delete(k)
	return 0
}

// retain removes the entries that known does not have. n is how many it has: usually there
// are no others.
func retain[K ~uint64, V any](e *shared.Editor[K, V], n int, known func(K) bool) {
	if e.Len() == n {
		return
	}
	var gone []K
	for k := range e.Now().All() {
		if !known(k) {
			gone = append(gone, k)
		}
	}
	for _, k := range gone {
		e.Delete(k)
	}
}

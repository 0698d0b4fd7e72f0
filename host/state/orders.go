package state

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Orders are what has to outlive the process: what the orders of operators left, and what
// belongs to them without being an order, such as how long a window still is and the gates
// of daemons that crash in a loop. Lists are sorted by id. Times are those of the process
// that holds them; negative ones are before its start.
type Orders struct {
	Height     uint64 // of the last order of the ordered log that is in it
	MeshHeight uint64 // the same of the log of the mesh

	Local   *LocalOrder // nil while this node is active and not drained
	Nodes   []NodeOrder
	Forced  []ForcedOrder // in the order in which they arrived
	Daemons []DaemonOrder
	Gates   []GateOrder
	Chains  []ChainOrder

	Frozen      bool
	FreezeUntil mesh.Time // meaningful with Frozen
	FrozenHere  bool      // the freeze was ordered at this node's own door
}

// Empty reports whether nothing was ordered, ever.
func (o Orders) Empty() bool {
	return o.Height == 0 && o.MeshHeight == 0 && o.Local == nil && !o.Frozen &&
		len(o.Nodes)+len(o.Forced)+len(o.Daemons)+len(o.Gates)+len(o.Chains) == 0
}

// LocalOrder is this node's maintenance and drain.
type LocalOrder struct {
	Phase    mesh.MaintenancePhase
	Since    mesh.Time
	Deadline mesh.Time // meaningful while entering
	Reason   string    // why the drain failed
	Reported bool      // it was reported that the exit takes too long
	By       Origin

	Draining      bool
	Drained       bool
	DrainSince    mesh.Time
	DrainDeadline mesh.Time
	DrainReported bool
	DrainBy       Origin
}

// NodeOrder is what was ordered about a node; of this node, whether it is cordoned.
type NodeOrder struct {
	Node     mesh.NodeID
	Peer     bool // the configuration named it as a peer: it goes with that
	Cordoned bool
	By       Origin                // of the cordon
	Draining bool                  // of another node
	Phase    mesh.MaintenancePhase // of another node; PhaseUnknown if none was ordered
}

// DaemonOrder is what was ordered about a daemon.
type DaemonOrder struct {
	Daemon mesh.DaemonRef
	Run    *RunOrder // nil for nothing
	Pin    *PinOrder
	// Restart is a restart that is not carried out yet; nil for none.
	Restart *RestartPending
}

// RestartPending is an ordered restart that is not carried out yet. A process that began
// later does not need it any more.
type RestartPending struct {
	At    mesh.Time
	Alone bool // the daemon was named; false: all daemons were
}

// GateOrder is the restart gate of a daemon that crashed, and what is told of its crashes.
type GateOrder struct {
	Daemon  mesh.DaemonRef
	State   GateState
	Until   mesh.Time     // meaningful unless the gate is idle
	Window  time.Duration // the next backoff
	Crashes []mesh.Time
	Count   uint32         // of crashes, as people are told
	LastEnd mesh.DaemonEnd // of the process before
}

// ChainOrder is what was ordered about a chain.
type ChainOrder struct {
	Chain mesh.ChainID
	Count *CountOrder // nil for nothing
	Hold  *HoldOrder
}

// Orders returns what has to outlive the process. It stays as it is when the state
// changes.
func (s *State) Orders() Orders {
	o := s.OrdersOfNode()
	for id := range s.peers.all() {
		if n, ordered := s.NodeOrder(id); ordered {
			o.Nodes = append(o.Nodes, n)
		}
	}
	for id := range s.daemons.all() {
		if d, ordered := s.DaemonOrder(id); ordered {
			o.Daemons = append(o.Daemons, d)
		}
		if g, closed := s.GateOrder(id); closed {
			o.Gates = append(o.Gates, g)
		}
	}
	for id, c := range s.chains.all() {
		if held := c.seldom().held; c.count != nil || held != nil {
			o.Chains = append(o.Chains, ChainOrder{Chain: id, Count: c.count, Hold: held})
		}
	}
	return o
}

// OrdersOfNode returns what Orders does without what is about single nodes, daemons and
// chains.
func (s *State) OrdersOfNode() Orders {
	o := Orders{Height: s.height, MeshHeight: s.meshHeight, Local: s.localOrder(), Forced: slices.Clone(s.forced), Frozen: s.frozen}
	if s.frozen {
		o.FreezeUntil, o.FrozenHere = s.freezeUntil, s.frozenHere
	}
	return o
}

// NodeOrder returns what was ordered about a node; ok is false for nothing.
func (s *State) NodeOrder(id mesh.NodeID) (n NodeOrder, ok bool) {
	p := s.peers.get(id)
	if p == nil {
		return n, false
	}
	n = NodeOrder{Node: id, Peer: p.configured, Cordoned: p.cordoned, Draining: p.draining}
	if p.cordoned {
		n.By = p.orderedBy()
	}
	if p.phaseOrdered && id != s.node {
		n.Phase = p.phase
	}
	return n, n.Cordoned || n.Draining || n.Phase != mesh.PhaseUnknown
}

// DaemonOrder returns what was ordered about a daemon; ok is false for nothing.
func (s *State) DaemonOrder(id mesh.DaemonID) (o DaemonOrder, ok bool) {
	d := s.daemons.get(id)
	if d == nil {
		return o, false
	}
	pending := d.pendingRestart()
	return DaemonOrder{Daemon: d.Ref, Run: d.run, Pin: d.pin, Restart: pending}, d.run != nil || d.pin != nil || pending != nil
}

// GateOrder returns the restart gate of a daemon that crashed; ok is false for one that did
// not.
func (s *State) GateOrder(id mesh.DaemonID) (o GateOrder, ok bool) {
	d := s.daemons.get(id)
	if d == nil {
		return o, false
	}
	g := d.Gate
	if g.closed == 0 && len(g.crashes) == 0 && d.Crashes == 0 {
		return o, false
	}
	o = GateOrder{
		Daemon: d.Ref, State: g.State(), Window: g.window, Crashes: slices.Clone(g.crashes),
		Count: d.Crashes, LastEnd: d.LastEnd,
	}
	if g.closed != 0 {
		o.Until = g.until
	}
	return o, true
}

func (s *State) localOrder() *LocalOrder {
	m := s.local
	if m.phase == mesh.PhaseActive && !m.draining && !m.drained {
		return nil
	}
	o := &LocalOrder{Phase: m.phase, Reason: m.reason, Draining: m.draining, Drained: m.drained}
	if m.phase != mesh.PhaseActive {
		o.Since, o.Reported, o.By = m.since, m.reported, m.by
	}
	if m.phase == mesh.PhaseEntering {
		o.Deadline = m.deadline
	}
	if m.draining || m.drained {
		o.DrainSince, o.DrainDeadline, o.DrainReported, o.DrainBy = m.drainSince, m.drainDeadline, m.drainReported, m.drainBy
	}
	return o
}

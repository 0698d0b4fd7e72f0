package sim

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// grace is how long a node is gone before its chains choose other leaders.
const grace = 5 * time.Second

// chains is the engine of the chains, and who really holds what. It moves chains as the nodes
// ask it to, and refuses what would leave too few.
type chains struct {
	w       *World
	all     []*chain
	refused int // removals that would have left too few
}

// chain is a chain as it is.
type chain struct {
	id       mesh.ChainID
	required int
	holders  []mesh.NodeID // ascending
	leader   mesh.NodeID
	since    mesh.Time // when its leader was seen last
}

func newChains(w *World, number, replicas int) *chains {
	c := &chains{w: w}
	for i := range number {
		one := &chain{id: mesh.ChainID(i + 1), required: replicas}
		for len(one.holders) < min(replicas, len(w.nodes)) {
			id := mesh.NodeID(1 + w.rng.IntN(len(w.nodes)))
			if !slices.Contains(one.holders, id) {
				one.holders = append(one.holders, id)
			}
		}
		one.leader = one.holders[0]
		slices.Sort(one.holders)
		c.all = append(c.all, one)
		for _, id := range one.holders {
			n := w.node(id)
			n.chains = append(n.chains, one)
		}
	}
	return c
}

// of returns the chains that a node hears of: all in a small world, else those that it holds.
func (c *chains) of(n *node) []*chain {
	if c.w.opts.Few {
		return n.chains
	}
	return c.all
}

// configured returns the chains in a node's configuration.
func (c *chains) configured(id mesh.NodeID) (out mesh.Configured) {
	for _, n := range c.w.nodes {
		if n.id != id {
			out.Peers = append(out.Peers, mesh.ConfiguredPeer{ID: n.id, Name: name(n.id)})
		}
	}
	replicas := make(map[int]*uint32)
	for _, one := range c.of(c.w.node(id)) {
		r := replicas[one.required]
		if r == nil {
			r = new(uint32)
			*r = uint32(one.required)
			replicas[one.required] = r
		}
		out.Chains = append(out.Chains, mesh.ConfiguredChain{ID: one.id, Replicas: r})
	}
	return out
}

// booted tells a node that has just started of its chains.
func (c *chains) booted(n *node) {
	for _, one := range c.of(n) {
		for _, id := range one.holders {
			n.hears(mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: one.id, Holder: id})
		}
		n.hears(mesh.ReplicaLeader{Chain: one.id, Leader: one.leader})
	}
}

func (n *node) hears(ev mesh.Event) { n.s.Apply(n.stamp(), mesh.Heard{Event: ev}) }

// elect has a chain choose another leader once its own is gone for the grace.
func (c *chains) elect(one *chain) {
	if c.w.node(one.leader).alive() && slices.Contains(one.holders, one.leader) {
		one.since = c.w.now
		return
	}
	if c.w.now.Sub(one.since) < grace {
		return
	}
	for _, id := range one.holders {
		if c.w.node(id).alive() {
			one.leader, one.since = id, c.w.now
			return
		}
	}
}

// sync tells a node what has changed about its chains, as far as it reaches their leaders.
func (c *chains) sync(n *node) {
	for _, one := range c.of(n) {
		c.elect(one)
		known, _ := n.s.Chain(one.id)
		if !c.w.linked(n.id, one.leader) {
			continue
		}
		for _, id := range one.holders {
			if !known.HeldBy(id) {
				n.hears(mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: one.id, Holder: id})
			}
		}
		for _, id := range slices.Clone(known.Holders) {
			if !slices.Contains(one.holders, id) {
				n.hears(mesh.ReplicaUpdate{Change: mesh.ReplicaRemoved, Chain: one.id, Holder: id})
			}
		}
		if known.Leader != one.leader {
			n.hears(mesh.ReplicaLeader{Chain: one.id, Leader: one.leader})
		}
	}
}

// carryOut carries an action out, and says later how it ended.
func (c *chains) carryOut(n *node, e mesh.Emitted) {
	took := time.Duration(50+c.w.rng.IntN(500)) * time.Millisecond
	if _, pull := e.Action.(mesh.PullReplica); pull {
		took += time.Second
	}
	n.after(took, func() {
		why := c.do(n, e.Action)
		n.s.Apply(n.stamp(), mesh.Outcome{ID: e.ID, OK: why == "", Reason: why, Final: true})
	})
}

// do does what an action says, and returns why it can't.
func (c *chains) do(n *node, a mesh.Action) string {
	switch a := a.(type) {
	case mesh.PullReplica:
		one := c.all[a.Chain-1]
		if !slices.Contains(one.holders, a.Source) || !c.w.linked(n.id, a.Source) || !c.w.linked(n.id, one.leader) {
			return "the source or the leader can't be reached"
		}
		c.add(one, n.id)
	case mesh.DropReplica:
		return c.remove(c.all[a.Chain-1], n, n.id)
	case mesh.RequestEviction:
		return c.remove(c.all[a.Chain-1], n, a.Victim)
	case mesh.RequestPlacement:
		return c.place(c.all[a.Chain-1], n, a)
	}
	return ""
}

// place offers a chain to another node, which may refuse.
func (c *chains) place(one *chain, n *node, a mesh.RequestPlacement) string {
	var may []*node
	for _, t := range c.w.nodes {
		if t.id == n.id || slices.Contains(a.Exclude, t.id) || slices.Contains(one.holders, t.id) || a.Target != 0 && t.id != a.Target ||
			!c.w.linked(n.id, t.id) || !t.s.MayPull() || t.s.Cordoned(t.id) {
			continue
		}
		may = append(may, t)
	}
	if len(may) == 0 {
		return "no node takes it"
	}
	t := may[c.w.rng.IntN(len(may))]
	for _, id := range one.holders {
		t.hears(mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: one.id, Holder: id})
	}
	t.hears(mesh.LocalReplicaIntent{Chain: one.id, Intent: mesh.HoldKeep})
	return ""
}

func (c *chains) add(one *chain, id mesh.NodeID) {
	if !slices.Contains(one.holders, id) {
		one.holders = append(one.holders, id)
		slices.Sort(one.holders)
		n := c.w.node(id)
		n.chains = append(n.chains, one)
	}
	c.w.node(id).hears(mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: one.id, Holder: id})
}

// remove takes a chain from a holder for a node that asks for it. The engine counts what its
// leader reaches, and refuses to leave too few.
func (c *chains) remove(one *chain, n *node, id mesh.NodeID) string {
	if !slices.Contains(one.holders, id) {
		return ""
	}
	if !c.w.linked(n.id, one.leader) {
		return "the leader can't be reached"
	}
	left := 0
	for _, other := range one.holders {
		if other != id && c.w.linked(one.leader, other) {
			left++
		}
	}
	if left < one.required && c.w.opts.Break != ObeysBlindly {
		c.refused++
		return "too few would be left"
	}
	live := func() (n int) {
		for _, other := range one.holders {
			if c.w.node(other).alive() {
				n++
			}
		}
		return n
	}
	before := live()
	one.holders = slices.DeleteFunc(slices.Clone(one.holders), func(other mesh.NodeID) bool { return other == id })
	gone := c.w.node(id)
	gone.chains = slices.DeleteFunc(gone.chains, func(other *chain) bool { return other == one })
	if after := live(); after < before && after < one.required {
		c.w.failf("B6: node %d has chain %d taken from node %d, and %d live holders are left of %d", n.id, one.id, id, after, one.required)
	}
	if gone.alive() {
		gone.hears(mesh.ReplicaUpdate{Change: mesh.ReplicaRemoved, Chain: one.id, Holder: id})
		gone.hears(mesh.LocalReplicaIntent{Chain: one.id, Intent: mesh.HoldNone})
	}
	return ""
}

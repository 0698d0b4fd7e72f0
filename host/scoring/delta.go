package scoring

import (
	"maps"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/snapshot/shared"
)

// tracker knows the view of the latest snapshot, and how it differs from the base: the view that
// the scorer answered last. From one snapshot to the next it looks only at what changed.
type tracker struct {
	now   View
	led   int                 // how many chains it has
	holds map[mesh.NodeID]int // how many of them a node holds

	base *base // nil if the scorer has none
}

// base is what the scorer has.
type base struct {
	version uint64
	nodes   *shared.Editor[mesh.NodeID, sent]
	chains  snapshot.Replicas // and others, that were not led
	// differ are the nodes of which the view shows something else, and how much else.
	differ       map[mesh.NodeID]change
	facts, moved int  // how many of differ are that
	chainsDiffer bool // perhaps
}

func newTracker() tracker { return tracker{holds: make(map[mesh.NodeID]int)} }

// look makes the view that of a snapshot.
func (t *tracker) look(s *snapshot.Snapshot) {
	before := t.now.of
	t.now = viewOf(s)
	differ := false
	t.now.chainsSince(before.Replicas, func(was, is Chain) {
		differ = true
		t.count(was, -1)
		t.count(is, +1)
	})
	b := t.base
	if b == nil {
		return
	}
	if b.chainsDiffer = b.chainsDiffer || differ; !b.chainsDiffer {
		b.chains = s.Replicas // so that it keeps no memory of what has changed of others
	}
	for id, c := range snapshot.PeerChanges(&before, s) {
		if id != s.Node && c.New != nil {
			b.compare(id, t.now.there(*c.New), true)
		} else if id != s.Node {
			b.compare(id, Node{}, false)
		}
	}
	for id := range snapshot.AvoidChanges(&before, s) {
		n, known := t.now.node(id)
		b.compare(id, n, known)
	}
	b.compare(s.Node, t.now.here(), true)
}

// count counts a chain that is led, or with -1 is led no longer.
func (t *tracker) count(c Chain, by int) {
	if len(c.Holders) > 0 {
		t.led += by
	}
	for _, n := range c.Holders {
		if t.holds[n] += by; t.holds[n] == 0 {
			delete(t.holds, n)
		}
	}
}

// chainsSince calls each with the chains that are led otherwise than earlier. One that was or
// is not led has no holders.
func (v *View) chainsSince(earlier snapshot.Replicas, each func(was, is Chain)) {
	same := func(a, b *snapshot.Replica) bool {
		was, is := v.led(a), v.led(b)
		return was.equal(&is)
	}
	for _, c := range shared.Changes(earlier, v.of.Replicas, same) {
		if was, is := v.led(c.Old), v.led(c.New); len(was.Holders)+len(is.Holders) > 0 {
			each(was, is)
		}
	}
}

// compare notes how much a node differs from what the scorer has of it.
func (b *base) compare(id mesh.NodeID, n Node, known bool) {
	had := b.nodes.Get(id)
	c := factChanged
	switch {
	case known && had != nil:
		now := n.sent()
		c = now.since(had)
	case !known && had == nil:
		c = same
	}
	b.note(id, c)
}

func (b *base) note(id mesh.NodeID, c change) {
	was := b.differ[id]
	if was == c {
		return
	}
	b.count(was, -1)
	b.count(c, +1)
	if c == same {
		delete(b.differ, id)
	} else {
		b.differ[id] = c
	}
}

func (b *base) count(c change, by int) {
	switch c {
	case factChanged:
		b.facts += by
	case moved:
		b.moved += by
	}
}

// full returns a request with the whole view.
func (t *tracker) full() Request {
	req := Request{Version: t.now.Version, Full: true, Chains: make([]Chain, 0, t.led), Led: t.led}
	req.Nodes = slices.AppendSeq(make([]Node, 0, t.now.of.Peers.Len()+1), t.now.nodes())
	req.Chains = slices.AppendSeq(req.Chains, t.now.chains())
	return req
}

// changes returns what leads from the base to the view. Jitter is left out unless all is true.
// Urgent means that chains must be scored again before the decision interval is over.
func (t *tracker) changes(all bool) (req Request, urgent bool) {
	b := t.base
	req = Request{Version: t.now.Version, Base: b.version, Led: t.led}
	if all || b.facts+b.moved > 0 {
		for _, id := range slices.Sorted(maps.Keys(b.differ)) {
			t.changedNode(&req, id, all)
		}
	}
	if b.chainsDiffer {
		t.now.chainsSince(b.chains, func(was, is Chain) {
			if len(is.Holders) > 0 {
				req.Chains = append(req.Chains, is)
			} else {
				req.RemovedChains = append(req.RemovedChains, was.ID)
			}
		})
	}
	return req, b.facts > 0 || len(req.Chains)+len(req.RemovedChains) > 0 || t.movedHolder()
}

func (t *tracker) changedNode(req *Request, id mesh.NodeID, all bool) {
	if t.base.differ[id] == jitter && !all {
		return
	}
	if n, known := t.now.node(id); known {
		req.Nodes = append(req.Nodes, n)
	} else {
		req.RemovedNodes = append(req.RemovedNodes, id)
	}
}

// movedHolder reports whether a node that moved holds one of the chains: for others it does not
// count.
func (t *tracker) movedHolder() bool {
	if t.base.moved == 0 {
		return false
	}
	for id, c := range t.base.differ {
		if c == moved && t.holds[id] > 0 {
			return true
		}
	}
	return false
}

// answered makes the base what the scorer has after its answer to a request that was made from
// the view now.
func (t *tracker) answered(req Request) {
	if req.Full {
		t.base = &base{nodes: shared.NewEditor[mesh.NodeID, sent](32), differ: make(map[mesh.NodeID]change)}
	}
	b := t.base
	for _, n := range req.Nodes {
		b.nodes.Put(n.Peer.Node, n.sent())
		b.note(n.Peer.Node, same)
	}
	for _, id := range req.RemovedNodes {
		b.nodes.Delete(id)
		b.note(id, same)
	}
	b.version, b.chains, b.chainsDiffer = req.Version, t.now.of.Replicas, false
}

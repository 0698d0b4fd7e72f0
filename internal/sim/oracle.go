package sim

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/follower"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/internal/scenario"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// answerWithin is within which time whoever gives an order is answered, at a node that runs.
const answerWithin = follower.Within + time.Second

// oracle knows what nobody in the mesh knows as a whole, and checks what must hold.
type oracle struct {
	w       *World
	orders  map[string]*fate      // by name
	raw     map[string]*published // by the bytes of the entry
	entries map[cluster.Hash]*truth
	states  map[cluster.Hash]sum // what nodes said that the log led to, by its last entry
	acked   map[string]ack
	junk    map[cluster.Hash]string // that a plugin appends behind an entry
}

// fate is what became of an order.
type fate struct {
	ev     mesh.AdminEvent
	on     mesh.NodeID
	began  mesh.Time
	heard  string // what whoever gave it heard; "" while it waits
	counts bool   // some node accepted it
	more   string // the error
}

// published is an entry that a node published.
type published struct {
	name string
	ev   mesh.AdminEvent
	at   time.Time // by the clock of the node
}

// truth is what an entry leads to, by a fold of our own.
type truth struct {
	of       *published // nil for an entry of the base
	void     bool       // the clocks were too far apart
	junk     bool       // nobody ordered it
	at       time.Time  // log time
	prev     *truth
	verdict  string // what the first node that folded it said
	by       mesh.NodeID
	cordoned map[mesh.NodeID]bool
	frozen   time.Time
}

type sum struct {
	sum cluster.Hash
	by  mesh.NodeID
}

type ack struct {
	height uint64
	raw    []byte
}

func newOracle(w *World) *oracle {
	o := &oracle{
		w: w, orders: map[string]*fate{}, raw: map[string]*published{}, entries: map[cluster.Hash]*truth{},
		states: map[cluster.Hash]sum{}, acked: map[string]ack{}, junk: map[cluster.Hash]string{},
	}
	for _, e := range w.base.entries {
		o.entries[cluster.HashOf(e)] = &truth{at: e.GetLogTime().AsTime(), cordoned: map[mesh.NodeID]bool{1: w.base.cordoned[cluster.HashOf(e)]}}
	}
	for head, of := range w.base.sums {
		o.states[head] = sum{of, 0}
	}
	return o
}

func (o *oracle) begun(name string, on mesh.NodeID, ev mesh.AdminEvent) {
	o.orders[name] = &fate{ev: ev, on: on, began: o.w.now}
}

// published hears that a node publishes an entry.
func (o *oracle) published(n *node, name string, in *pluginv1.OrderRequest) {
	o.raw[string(in.GetEntry())] = &published{name: name, ev: o.orders[name].ev, at: n.wall()}
}

// junked hears that a plugin is about to append what nobody ordered behind an entry.
func (o *oracle) junked(raw []byte, prev cluster.Hash) { o.junk[prev] = string(raw) }

// stored hears that the engine stores an entry behind another one.
func (o *oracle) stored(e *meshosv1.LoggedEntry, hash, prev cluster.Hash) {
	if o.entries[hash] != nil {
		return // it is filled up
	}
	before := o.entries[prev]
	of := o.raw[string(e.GetEntry())]
	if junk, is := o.junk[prev]; is && before != nil && junk == string(e.GetEntry()) {
		o.entries[hash] = &truth{junk: true, of: &published{name: "of nobody"}, prev: before, at: before.at}
		return
	}
	if of == nil || before == nil {
		o.w.failf("an entry was stored that nobody published behind what is stored")
		return
	}
	t := &truth{of: of, prev: before, at: before.at}
	if off := of.at.Sub(e.GetLogTime().AsTime()); off.Abs() > cluster.MaxSkew {
		t.void = true
	} else if at := e.GetLogTime().AsTime(); at.After(before.at) {
		t.at = at
	}
	o.entries[hash] = t
}

// verdictOf returns a verdict in a word.
func verdictOf(v mesh.Verification) string {
	switch {
	case v.Verdict != mesh.VerdictRejected:
		return scenario.Accepted
	case v.Kind == cluster.KindVoid:
		return scenario.Void
	case v.Kind == mesh.RejectFrozen:
		return scenario.Frozen
	}
	return v.Kind
}

// boots hears that a node begins to fold anew.
func (o *oracle) boots(n *node) {
	n.counted = map[string]bool{}
	for name, a := range n.acked {
		if a.height <= n.first()-1 {
			continue // dropped
		}
		if a.height > uint64(len(n.disk)) || !bytes.Equal(n.disk[a.height-1].GetLogged().GetEntry(), a.raw) {
			o.w.failf("order %s counts, node %d said, and it is not in its record after a restart", name, n.id)
		}
	}
}

// folds hears what a node makes of an entry that it has on disk.
func (o *oracle) folds(n *node, t follower.Taken, out cluster.Outcome) {
	said, entry := verdictOf(out.Order.Outcome), o.entries[t.Hash]
	if entry == nil {
		o.w.failf("node %d folds an entry at height %d that no seed ever stored", n.id, out.Place.Height)
		return
	}
	if entry.verdict == "" {
		entry.verdict, entry.by = said, n.id
		if entry.of != nil {
			o.judge(entry, out)
		}
	}
	if entry.verdict != said {
		o.w.failf("height %d: node %d says %s, and node %d says %s", out.Place.Height, n.id, said, entry.by, entry.verdict)
	}
	if entry.of == nil {
		return
	}
	name := entry.of.name
	if said != scenario.Accepted {
		return
	}
	if n.counted[name] {
		o.w.failf("order %s counts twice at node %d, again at height %d", name, n.id, out.Place.Height)
	}
	n.counted[name] = true
	f := o.orders[name]
	f.counts = true
	if f.heard == scenario.Refused {
		o.w.failf("order %s was refused at node %d (%s), and counts at height %d", name, f.on, f.more, out.Place.Height)
	}
}

// judge compares the verdict of the first node with our own, and folds what it leads to.
func (o *oracle) judge(t *truth, out cluster.Outcome) {
	t.cordoned, t.frozen = t.prev.cordoned, t.prev.frozen
	want := scenario.Accepted
	switch {
	case t.junk:
		want = cluster.KindInvalid
	case t.void:
		want = scenario.Void
	case t.frozen.After(t.at) && !t.of.ev.BreakGlass():
		want = scenario.Frozen
	}
	if t.verdict != want && (t.void || t.junk || slices.Contains([]string{scenario.Accepted, scenario.Void, scenario.Frozen}, t.verdict)) {
		o.w.failf("height %d, order %s: node %d says %s (%s), and it is %s", out.Place.Height, t.of.name, t.by, t.verdict, out.Order.Outcome.Message, want)
	}
	if t.verdict != scenario.Accepted {
		return
	}
	set := func(id mesh.NodeID, is bool) {
		t.cordoned = maps.Clone(t.cordoned)
		t.cordoned[id] = is
	}
	switch ev := t.of.ev.(type) {
	case mesh.Cordon:
		set(ev.Node, true)
	case mesh.Drain:
		set(ev.Node, true)
	case mesh.Uncordon:
		set(ev.Node, false)
	case mesh.FreezeCluster:
		t.frozen = t.at.Add(ev.TTL)
	case mesh.ThawCluster:
		t.frozen = time.Time{}
	}
}

// sums compares what the log led to at a node with what others say, behind the same entry.
func (o *oracle) sums(n *node) {
	st := n.f.State()
	known, is := o.states[st.Head()]
	own := sum{st.Sum(), n.id}
	if !is {
		o.states[st.Head()] = own
		return
	}
	if known.sum != own.sum {
		o.w.failf("height %d: admin_state of node %d is %s, and that of node %d %s", st.Height(), n.id, own.sum, known.by, known.sum)
	}
}

// actsAsOrdered checks that what a node acts by is what the log says up to where it folded it.
func (o *oracle) actsAsOrdered(n *node) {
	t := o.entries[n.head]
	for _, other := range o.w.nodes {
		// What the other one says of itself counts beside it: that may be newer.
		order, _ := n.s.NodeOrder(other.id)
		if should := t.cordoned[other.id]; order.Cordoned != should {
			o.w.failf("node %d at height %d: node %d is cordoned: %v, and the log says %v", n.id, n.folded, other.id, order.Cordoned, should)
		}
	}
}

// ended hears how an order ended.
func (o *oracle) ended(n *node, name string, record mesh.AuditRecord, err error) {
	var rejection *rules.Rejection
	var unknown *follower.UnknownError
	heard := verdictOf(record.Outcome)
	switch {
	case errors.As(err, &rejection):
		heard = scenario.Refused
		if rejection.Kind == mesh.RejectFrozen {
			heard = scenario.Frozen
		}
	case errors.As(err, &unknown):
		heard = scenario.Unknown
	case err != nil:
		o.w.failf("order %s at node %d: %v", name, n.id, err)
	}
	if err != nil {
		o.orders[name].more = err.Error()
	}
	if took := o.w.now.Sub(o.orders[name].began); took > answerWithin && n.calm() {
		o.w.failf("order %s at node %d was answered after %s only", name, n.id, took)
	}
	o.answer(name, heard)
	if err == nil && heard == scenario.Accepted {
		o.acknowledged(n, name)
	}
}

// acknowledged notes where an order is that counts, as somebody heard.
func (o *oracle) acknowledged(n *node, name string) {
	for i := len(n.disk) - 1; i >= 0; i-- {
		raw := n.disk[i].GetLogged().GetEntry()
		if of := o.raw[string(raw)]; of != nil && of.name == name {
			a := ack{uint64(i + 1), raw}
			o.acked[name], n.acked[name] = a, a
			return
		}
	}
	if o.w.opts.Break != ActsBeforeDisk {
		o.w.failf("order %s counts, node %d says, and it is not on its disk", name, n.id)
		return
	}
	n.acked[name] = ack{n.folded, nil}
}

func (o *oracle) answer(name, heard string) {
	f := o.orders[name]
	if f == nil {
		f = &fate{}
		o.orders[name] = f
	}
	f.heard = heard
	o.w.tracef("order %s: %s %s", name, heard, f.more)
	if heard == scenario.Refused && f.counts {
		o.w.failf("order %s was refused at node %d (%s), and counts", name, f.on, f.more)
	}
}

// atEnd checks what must hold once all faults are over for a while.
func (o *oracle) atEnd() {
	forked := false
	for _, n := range o.w.nodes {
		if why, fork := n.f.Frozen(); fork != nil {
			forked = true
			o.w.tracef("node %d: %s", n.id, why)
		} else if why := n.f.Differs(); why != "" { // no entry has shown it yet
			forked = true
			o.w.tracef("node %d: %s", n.id, why)
		}
	}
	for name, a := range o.acked {
		for _, n := range o.w.nodes {
			has := a.height <= uint64(len(n.disk)) && bytes.Equal(n.disk[a.height-1].GetLogged().GetEntry(), a.raw)
			if !has && !forked {
				o.w.failf("order %s was acknowledged, and node %d does not have it at height %d", name, n.id, a.height)
			}
		}
	}
	for name, f := range o.orders {
		if f.heard == "" {
			o.w.failf("order %s at node %d was never answered", name, f.on)
		}
	}
	if !forked {
		o.equal()
	}
}

// equal checks that all nodes have the same log.
func (o *oracle) equal() {
	first := o.w.nodes[0].f.State()
	for _, n := range o.w.nodes[1:] {
		if st := n.f.State(); st.Height() != first.Height() || st.Head() != first.Head() {
			o.w.failf("at the end node %d is at height %d (%s), and node 1 at height %d (%s)", n.id, st.Height(), st.Head(), first.Height(), first.Head())
		}
	}
}

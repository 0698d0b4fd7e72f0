package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/cluster/follower"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/scenario"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	tick    = time.Second
	timeout = 2 * time.Second // of calls of the plugin
	forgets = 3 * time.Second // without a word of the seeds the link counts as lost
)

// node is one node: its core, and what a node has around it.
type node struct {
	w    *World
	id   mesh.NodeID
	skew time.Duration // of its clock
	up   bool
	life int // which process it is

	stopped bool
	halted  bool     // it was stopped in this life
	pending []func() // what waits for a stopped process to go on

	disk []*meshosv1.RecordedEntry // the record, as it outlives the process

	// The rest is gone with the process.
	f        *follower.Follower
	s        *state.State
	passes   *reconcile.Reconciler
	heard    mesh.Time // when a seed was heard of last
	linked   bool
	fetching bool
	writing  bool
	filling  bool
	wake     mesh.Time // when the orders are looked at next; 0 if nobody waits
	orders   []*order
	ticks    int
	folded   uint64 // the height up to which the state has the log
	head     cluster.Hash

	killAt  scenario.When // the next moment at which it is killed
	killFor time.Duration
	lie     string

	acked   map[string]ack // orders of which somebody heard here that they count
	summary *mesh.Summary  // what it says of itself; replaced, never changed
	others  map[mesh.NodeID]mesh.Announced
	counted map[string]bool // orders that count, by what this process folded
	chains  []*chain        // that it holds
}

// calm reports whether its process has run without a pause.
func (n *node) calm() bool { return !n.halted }

func (n *node) alive() bool { return n.up && !n.stopped }

// wall is the time by the node's clock.
func (n *node) wall() time.Time { return n.w.trueWall().Add(n.skew) }

func (n *node) stamp() mesh.Stamp { return mesh.Stamp{At: n.w.now, Wall: n.wall()} }

// after has something happen at the node later, unless its process has ended by then.
func (n *node) after(d time.Duration, do func()) {
	life := n.life
	n.w.after(d, func() { n.do(life, do) })
}

func (n *node) do(life int, do func()) {
	switch {
	case !n.up || n.life != life:
	case n.stopped:
		n.pending = append(n.pending, func() { n.do(life, do) })
	default:
		do()
	}
}

// boot starts the process: it folds its record.
func (n *node) boot() {
	n.up, n.halted, n.life = true, false, n.life+1
	st := n.w.base.fresh()
	n.s = state.New(state.Boot{
		At: n.stamp(), Node: n.id, NodeName: name(n.id), Epoch: uint64(n.life), Policy: n.w.base.policy,
		Desired: n.w.chains.configured(n.id), Operators: n.w.base.operators,
	})
	n.passes = reconcile.New(n.s)
	n.folded, n.head = st.Height(), st.Head()
	n.w.oracle.boots(n)
	for _, r := range n.disk[min(len(n.disk), int(st.Height())):] {
		c, err := st.Recorded(r)
		if err != nil {
			n.w.failf("node %d can't fold its own record: %v", n.id, err)
			return
		}
		n.apply(follower.Taken{Out: st.Fold(c), Raw: r.GetLogged().GetEntry(), Hash: c.Hash()})
	}
	n.f = follower.New(n.id, st, func(height uint64) (*meshosv1.LoggedEntry, error) {
		if height == 0 || height > uint64(len(n.disk)) {
			return nil, fmt.Errorf("the record has no entry of height %d", height)
		}
		return n.disk[height-1].GetLogged(), nil
	})
	n.others = make(map[mesh.NodeID]mesh.Announced)
	n.linked, n.fetching, n.writing, n.filling, n.wake, n.orders, n.ticks = false, false, false, false, 0, nil, 0
	n.w.chains.booted(n)
	n.after(time.Duration(n.w.rng.Int64N(int64(tick))), n.tick)
}

// kill ends the process; what was not on disk is gone.
func (n *node) kill() {
	if !n.up {
		return
	}
	n.w.tracef("node %d is killed", n.id)
	n.up, n.stopped, n.pending = false, false, nil
	for _, o := range n.orders {
		o.lost()
	}
	n.w.engine.changed()
}

// start starts the process again, if it does not run.
func (n *node) start() {
	if n.up {
		return
	}
	n.w.tracef("node %d starts", n.id)
	n.boot()
	n.w.engine.changed()
}

// goOn lets a stopped process go on.
func (n *node) goOn() {
	if !n.up || !n.stopped {
		return
	}
	n.stopped = false
	pending := n.pending
	n.pending = nil
	for _, do := range pending {
		do()
	}
	n.w.engine.changed()
}

// killedAt kills the process if this is the moment for it.
func (n *node) killedAt(when scenario.When) bool {
	if n.killAt != when {
		return false
	}
	n.killAt = scenario.Now
	n.kill()
	n.w.after(n.killFor, n.start)
	return true
}

// tick is a regular tick of the loop, and what the host does beside it.
func (n *node) tick() {
	n.after(tick, n.tick)
	n.ticks++
	if n.ticks%5 == 1 {
		n.s.Apply(n.stamp(), n.samples())
		n.s.Apply(n.stamp(), n.announced())
	}
	if n.ticks%2 == 0 {
		n.w.chains.sync(n)
	}
	result := n.passes.Pass(n.stamp(), 1<<10)
	if result.Missed > 0 {
		n.w.failf("node %d: a mark was missing: %+v", n.id, result)
	}
	for _, a := range result.Actions {
		n.w.acted(n, a)
		n.w.chains.carryOut(n, a)
	}
	n.talk()
	n.look()
	n.w.oracle.actsAsOrdered(n)
}

// samples is what the plugin says of the health of the others.
func (n *node) samples() mesh.Samples {
	out := mesh.Samples{Probe: "mesh", HealthComplete: true}
	for _, other := range n.w.nodes {
		if other.id == n.id {
			continue
		}
		h := mesh.HealthSample{Peer: other.id, Health: mesh.HealthHealthy}
		if !n.w.linked(n.id, other.id) {
			h.Health, h.Reason = mesh.HealthUnreachable, "it has no session"
		}
		out.Health = append(out.Health, h)
	}
	return out
}

// says is what the node says of itself.
func (n *node) says() *mesh.Summary {
	local := n.s.Maintenance()
	now := mesh.Summary{
		Incarnation: uint64(n.life), Height: n.folded, Phase: local.Phase, Cordoned: n.s.Cordoned(n.id), Draining: local.Draining,
		ChainsHeld: uint32(len(n.chains)), Name: name(n.id),
	}
	if n.summary == nil || now.Incarnation != n.summary.Incarnation || now.Height != n.summary.Height || now.Phase != n.summary.Phase ||
		now.Cordoned != n.summary.Cordoned || now.Draining != n.summary.Draining || now.ChainsHeld != n.summary.ChainsHeld {
		n.summary = &now
	}
	return n.summary
}

// announced is what is new of the others: the plugin brings what those say whom it reaches.
func (n *node) announced() (out mesh.PeersAnnounced) {
	for _, other := range n.w.nodes {
		if other.id == n.id {
			continue
		}
		next := mesh.Announced{ID: other.id, Name: name(other.id), Seed: int(other.id) <= n.w.base.seeds, Summary: n.others[other.id].Summary}
		if next.Gone = !n.w.linked(n.id, other.id); !next.Gone {
			next.Summary = other.says()
		}
		if before, is := n.others[other.id]; !is || before.Gone != next.Gone || before.Summary != next.Summary {
			n.others[other.id] = next
			ago := time.Duration(0)
			next.Heard = &ago
			out.Peers = append(out.Peers, next)
		}
	}
	return out
}

// talk says to the leading seed how this node is, and hears how the log is.
func (n *node) talk() {
	e := n.w.engine
	if leader := e.leader; leader != 0 && n.w.linked(n.id, leader) {
		height := n.f.State().Height()
		n.w.send(n.id, leader, func() {
			e.heard[n.id] = said{height, n.w.now}
			if e.leader != leader {
				return
			}
			link := e.link()
			n.w.send(leader, n.id, func() { n.hear(link) })
		})
	}
	if n.linked && n.w.now.Sub(n.heard) > forgets {
		n.linked = false
		n.must(n.f.Linked(&meshosv1.MeshLink{Error: "no seed is heard"}))
	}
}

// hear hears of the link, and of the end of the log.
func (n *node) hear(link *meshosv1.MeshLink) {
	n.heard, n.linked = n.w.now, true
	n.must(n.f.Linked(link))
	if link.GetBeacon().GetHeight() > n.f.State().Height() {
		n.hint()
	}
	if _, back := n.f.WentBack(); back && !n.filling {
		n.filling = true
		n.after(time.Duration(n.w.rng.Int64N(int64(400*time.Millisecond))), func() {
			from, back := n.f.WentBack()
			n.filling = back
			if back {
				n.fill(from)
			}
		})
	}
	n.look()
}

// fill fills the log of the others up from a height on.
func (n *node) fill(height uint64) {
	in, err := n.f.Fill(height)
	n.must(err)
	if in == nil {
		n.filling = false
		return
	}
	n.call(in, func(a follower.Answer) {
		if n.filling = a == follower.Appended; n.filling {
			n.fill(height + 1)
		}
	})
}

// call calls Order, and hears the answer in time or that it is not known.
func (n *node) call(in *pluginv1.OrderRequest, then func(follower.Answer)) {
	done := false
	answered := func(a follower.Answer) {
		if !done {
			done = true
			then(a)
		}
	}
	n.after(timeout, func() { answered(follower.Unknown) })
	n.w.engine.order(n, in, answered)
}

// hint hears that there is more of the log.
func (n *node) hint() {
	e := n.w.engine
	if n.fetching || e.leader == 0 || !n.w.linked(n.id, e.leader) {
		return
	}
	if why, _ := n.f.Frozen(); why != "" {
		return
	}
	n.fetching = true
	leader, height, over := e.leader, n.f.State().Height(), false
	n.after(timeout, func() {
		if !over {
			over, n.fetching = true, false
		}
	})
	n.w.send(n.id, leader, func() {
		if e.leader != leader {
			return
		}
		entries := n.told(e.after(height))
		n.w.send(leader, n.id, func() {
			if !over {
				over, n.fetching = true, false
				n.take(entries)
			}
		})
	})
}

// told is what the node's plugin makes of entries.
func (n *node) told(entries []*meshosv1.LoggedEntry) []*meshosv1.LoggedEntry {
	if n.lie == "" || len(entries) == 0 {
		return entries
	}
	entries = slices.Clone(entries)
	switch n.lie {
	case "gap":
		entries = entries[1:]
	case "reorder":
		slices.Reverse(entries)
	case "flip":
		at := n.w.rng.IntN(len(entries))
		raw := slices.Clone(entries[at].GetEntry())
		raw[n.w.rng.IntN(len(raw))] ^= 1 << n.w.rng.IntN(8)
		entries[at] = &meshosv1.LoggedEntry{Entry: raw, LogTime: entries[at].GetLogTime()}
	}
	return entries
}

// take takes entries that the plugin brings.
func (n *node) take(entries []*meshosv1.LoggedEntry) {
	before := n.f.State().Height()
	err := n.f.Take(entries)
	if err != nil {
		n.w.tracef("node %d: %v", n.id, err)
		n.after(100*time.Millisecond, n.hint)
	}
	n.w.oracle.sums(n)
	n.write()
	if err == nil && n.f.State().Height() > before && len(entries) == 100 {
		n.hint()
	}
}

// write writes what was folded to disk, and then has it done.
func (n *node) write() {
	unwritten, _ := n.f.Unwritten()
	if len(unwritten) == 0 || n.writing {
		return
	}
	if n.w.opts.Break == ActsBeforeDisk {
		for _, t := range n.f.Written(len(unwritten)) {
			n.fold(t)
		}
		n.look()
	}
	if n.killedAt(scenario.Recording) {
		return
	}
	n.writing = true
	n.after(time.Duration(1+n.w.rng.IntN(5))*time.Millisecond, func() {
		n.writing = false
		n.disk = append(n.disk, unwritten...)
		if n.w.opts.Break == ActsBeforeDisk || n.killedAt(scenario.Recorded) {
			return
		}
		for _, t := range n.f.Written(len(unwritten)) {
			n.fold(t)
		}
		n.look()
		n.write()
	})
}

// fold does what an entry led to, which is on disk.
func (n *node) fold(t follower.Taken) {
	n.f.Folded(t, n.apply(t))
}

// apply has the core fold an entry.
func (n *node) apply(t follower.Taken) mesh.AuditRecord {
	out := n.w.verdict(n, t.Out)
	n.w.oracle.folds(n, t, out)
	n.folded, n.head = out.Place.Height, t.Hash
	in := out.Order
	if in.Event == nil {
		return mesh.AuditRecord{Outcome: in.Outcome, Ordered: in.Ordered}
	}
	n.s.Apply(n.stamp(), n.w.input(out, n.wall()))
	audit := n.s.Audit()
	return audit[len(audit)-1]
}

// look has the orders of the node go on.
func (n *node) look() {
	for i := 0; i < len(n.orders); i++ {
		if o := n.orders[i]; o.goOn() {
			n.orders = slices.DeleteFunc(n.orders, func(other *order) bool { return other == o })
			i = -1 // the next one has its turn
		}
	}
	next := mesh.Time(0)
	for _, o := range n.orders {
		if o.until > n.w.now && (next == 0 || o.until < next) {
			next = o.until
		}
	}
	if next == 0 || n.wake > n.w.now && n.wake <= next {
		return
	}
	n.wake = next
	n.after(next.Sub(n.w.now), func() {
		n.wake = 0
		n.look()
	})
}

func (n *node) must(err error) {
	if err != nil {
		n.w.failf("node %d: %v", n.id, err)
	}
}

// setBack takes the newest entries from the record, as a backup that is put back does.
func (n *node) setBack(by int) {
	n.kill()
	least := int(n.w.base.height)
	n.disk = n.disk[:max(least, len(n.disk)-by)]
	for name, a := range n.acked {
		if a.height > uint64(len(n.disk)) {
			delete(n.acked, name) // the fault took it
		}
	}
	n.w.after(time.Second, n.start)
}

func name(id mesh.NodeID) string { return fmt.Sprintf("n%d", id) }

var errNotKnown = errors.New("the plugin did not answer in time")

// order is an order that was given at a node.
type order struct {
	n     *node
	do    scenario.Order
	o     *follower.Order
	until mesh.Time
}

// begin gives an order at a node.
func (n *node) begin(do scenario.Order) {
	w := n.w
	if !n.alive() {
		w.oracle.answer(do.Name, scenario.Refused)
		return
	}
	ev, err := command(do)
	if err != nil {
		w.failf("%s: %v", do, err)
		return
	}
	id, signed, build := w.base.build(w, do.Name, ev)
	o := &order{n: n, do: do}
	o.o = n.f.Begin(w.now, clustertest.NodeKey(n.id), id, signed, func(s *cluster.State, at time.Time) (*meshosv1.OrderedEntry, error) {
		return build(s, at)
	})
	w.oracle.begun(do.Name, n.id, ev)
	n.orders = append(n.orders, o)
	n.look()
}

// goOn does what the order has to have done next, and reports whether it has ended.
func (o *order) goOn() (ended bool) {
	n := o.n
	for {
		step := o.o.Next(n.w.now, n.wall())
		switch {
		case step.Ended:
			record, err := o.o.Result()
			o.o.End()
			n.w.oracle.ended(n, o.do.Name, record, err)
			return true
		case step.Publish != nil:
			n.w.oracle.published(n, o.do.Name, step.Publish)
			asked := false
			n.call(step.Publish, func(a follower.Answer) {
				if n.w.opts.Break == TriesAgainInDoubt && a == follower.Unknown {
					a = follower.Aborted
				}
				asked = true
				o.o.Answered(n.w.now, a, errNotKnown)
				n.after(0, n.look)
			})
			if asked {
				continue
			}
			o.until = 0
			return false
		}
		o.until = step.Until
		return false
	}
}

// lost says that the process ended which waited for the order.
func (o *order) lost() { o.n.w.oracle.answer(o.do.Name, scenario.Unknown) }

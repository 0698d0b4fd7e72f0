package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/follower"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/scenario"
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

	disk   []*meshosv1.RecordedEntry // the record, as it outlives the process; nil where it was dropped
	stored *cluster.Stored           // from which it goes on; nil: it begins with the first entry

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
	asks     mesh.Time // when it asks again for what the log goes on from

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
	n.s = state.New(state.Boot{
		At: n.stamp(), Node: n.id, NodeName: name(n.id), Epoch: uint64(n.life), Policy: n.w.base.policy,
		Desired: n.w.chains.configured(n.id), Operators: n.w.base.operators,
	})
	n.passes = reconcile.New(n.s)
	st := n.state()
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
		if height == 0 || height > uint64(len(n.disk)) || n.disk[height-1] == nil {
			return nil, fmt.Errorf("the record has no entry of height %d", height)
		}
		return n.disk[height-1].GetLogged(), nil
	})
	if n.stored != nil {
		n.f.Begins(n.stored.Height()+1, n.stored.State.Head())
	}
	n.f.Jitter(func() time.Duration { return time.Duration(n.w.rng.Int64N(int64(20 * time.Millisecond))) })
	n.others = make(map[mesh.NodeID]mesh.Announced)
	n.linked, n.fetching, n.writing, n.filling, n.wake, n.orders, n.ticks, n.asks = false, false, false, false, 0, nil, 0, 0
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
	if len(n.disk) > least {
		n.disk = n.disk[:max(least, len(n.disk)-by)]
	}
	for name, a := range n.acked {
		if a.height > uint64(len(n.disk)) {
			delete(n.acked, name) // the fault took it
		}
	}
	n.w.after(time.Second, n.start)
}

func name(id mesh.NodeID) string { return fmt.Sprintf("n%d", id) }

var errNotKnown = errors.New("the plugin did not answer in time")

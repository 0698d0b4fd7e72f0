package sim

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/internal/scenario"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	jumpAfter   = 5 * time.Second // the log begins where the records of the seeds do
	storedAgain = 2 * time.Second // another node is asked for what the log goes on from
)

// What was dropped has its place in the lists, so that heights stay numbers in them.

// drop has the seeds and all nodes drop what is before the checkpoint.
func (w *World) drop() {
	base := w.base.stored
	height := int(base.Height())
	for _, id := range w.engine.seeds {
		log := slices.Clone(w.engine.stores[id])
		for i := range min(height, len(log)-1) {
			log[i].entry = nil
		}
		w.engine.stores[id] = log
	}
	for _, n := range w.nodes {
		if len(n.disk) < height {
			continue
		}
		n.disk = slices.Clone(n.disk)
		clear(n.disk[:height])
		n.stored = base
		if n.up {
			n.f.Begins(base.Height()+1, base.State.Head())
		}
	}
}

// first returns the height of the first entry that the leader stores, or would store next.
func (e *engine) first() uint64 {
	log := e.log()
	i := slices.IndexFunc(log, func(s stored) bool { return s.entry != nil })
	if i < 0 {
		i = len(log)
	}
	return uint64(i) + 1
}

// jump has a log that lacks what nobody fills up begin where the record of the leading seed
// does, or those of a majority.
func (e *engine) jump() {
	log := e.log()
	var begin []uint64
	for _, id := range e.together(e.leader) {
		begin = append(begin, e.w.node(id).first())
	}
	slices.Sort(begin)
	slices.Reverse(begin)
	own := e.w.node(e.leader).first()
	if half := len(e.seeds) / 2; half < len(begin) {
		own = max(own, begin[half])
	}
	if own <= uint64(len(log))+1 || e.lacks.end != len(log) || e.lacks.since == 0 {
		e.lacks.end, e.lacks.since = len(log), e.w.now
	}
	if own <= uint64(len(log))+1 || e.w.now.Sub(e.lacks.since) < jumpAfter {
		return
	}
	log = make([]stored, own-1)
	log[own-2] = stored{hash: e.w.base.stored.State.Head(), term: e.term}
	e.stores[e.leader] = log
	e.replicate()
	e.w.jumps++
	e.w.tracef("nobody fills up what the log lacks: it begins at height %d", own)
}

// first returns the height of the first entry that the node's record has, or will have.
func (n *node) first() uint64 {
	if n.stored == nil {
		return 1
	}
	return n.stored.Height() + 1
}

// fallBehind sets the record back to before the checkpoint, as that of a node that was away.
func (n *node) fallBehind() {
	n.kill()
	n.disk, n.stored = slices.Clip(n.w.base.records[:n.w.base.members]), nil
	clear(n.acked) // the fault took them
	n.w.after(time.Second, n.start)
}

// state returns what the record leads to at its beginning, and the core that did what holds there.
func (n *node) state() *cluster.State {
	switch {
	case n.stored != nil:
		st, err := cluster.FromProto(n.stored.State.ToProto())
		n.must(err)
		n.missed(st, nil)
		return st
	case len(n.disk) < int(n.w.base.height):
		return cluster.New()
	}
	return n.w.base.fresh()
}

// missed has the core fold what holds at a checkpoint, in place of the entries before it.
func (n *node) missed(at, before *cluster.State) {
	for _, in := range at.Holding(before) {
		in.Ordered.Mesh = true
		n.s.Apply(n.stamp(), in)
	}
	n.folded, n.head = at.Height(), at.Head()
}

// catchUp asks another node for what the log goes on from, if the record ends before.
func (n *node) catchUp() {
	if _, missed := n.f.Missed(); !missed || n.w.now < n.asks {
		return
	}
	n.asks = n.w.now.Add(storedAgain)
	other := n.w.nodes[n.w.rng.IntN(len(n.w.nodes))]
	if other == n || !n.w.linked(n.id, other.id) {
		return
	}
	n.w.send(n.id, other.id, func() {
		if other.stored == nil {
			return
		}
		in := other.stored.Proof
		n.w.send(other.id, n.id, func() { n.goOnFrom(in) })
	})
}

// goOnFrom has the node go on from a checkpoint that another node says.
func (n *node) goOnFrom(in *meshosv1.StoredState) {
	st := n.f.State()
	unwritten, _ := n.f.Unwritten()
	if _, missed := n.f.Missed(); !missed || n.writing || len(unwritten) > 0 {
		return
	}
	base, err := cluster.OpenStored(in, st.Founding())
	if err == nil {
		err = base.Follows(st, func(height uint64) (cluster.Hash, bool) {
			if height > uint64(len(n.disk)) || n.disk[height-1] == nil {
				return cluster.Hash{}, false
			}
			return cluster.HashOf(n.disk[height-1].GetLogged()), true
		})
	}
	if err != nil {
		n.w.failf("node %d does not go on from a checkpoint: %v", n.id, err)
		return
	}
	if base.Height() <= st.Height() || n.killedAt(scenario.Recording) {
		return
	}
	n.disk, n.stored = make([]*meshosv1.RecordedEntry, base.Height()), base
	if n.killedAt(scenario.Recorded) {
		return
	}
	next, err := cluster.FromProto(base.State.ToProto())
	n.must(err)
	n.missed(next, st)
	n.f.GoOn(next)
	n.w.oracle.sums(n)
	n.w.wentOn++
	n.w.tracef("node %d goes on from the checkpoint at height %d", n.id, base.Height())
	n.hint()
	n.look()
}

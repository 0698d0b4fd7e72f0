package reconcile

import (
	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scratch"
	"github.com/meshos/meshos/host/state"
)

// Reconciler makes the passes of one node. What they hand out is what Pass hands out, but they
// decide anew only for what was touched since the pass before, for what is due now, and for a
// slice of everything: see state.Slice. What was wanted of the others still is.
//
// A slice that finds something else than what stands shows that a mark is missing somewhere:
// the pass acts on it, counts it, and leaves a failure record.
type Reconciler struct {
	s     *state.State
	stale bool // nothing stands, as after a freeze: everything is to be decided anew

	standing standing
	scope    scope
	quiet    quiet
	peers    []mesh.NodeID    // that were touched, or are avoided otherwise than before
	touched  scratch.Gauge    // of peers
	keys     []mesh.ActionKey // perhaps not wanted any more, or quiet no longer
}

// New returns what makes the passes of a state. Nobody else may make one.
func New(s *state.State) *Reconciler {
	return &Reconciler{s: s, stale: true, standing: newStanding(s.Node())}
}

// Pass is one tick of a node, like the function Pass.
func (r *Reconciler) Pass(at mesh.Stamp, room int) Result {
	missed := r.s.MissedMarks()
	r.s.Tick(at)
	return r.pass(room, missed)
}

// EarlyPass is the pass of an early tick.
func (r *Reconciler) EarlyPass(at mesh.Stamp, room int) Result {
	missed := r.s.MissedMarks()
	r.s.EarlyTick(at)
	return r.pass(room, missed)
}

func (r *Reconciler) pass(room int, missed uint64) Result {
	if !r.decide() {
		return Result{Missed: int(r.s.MissedMarks() - missed)}
	}
	res := r.handOut(room)
	r.forget()
	r.s.EndPass(r.standing.unmet(r.s))
	res.Missed = int(r.s.MissedMarks() - missed)
	return res
}

// decide decides anew where that is needed, and reports whether anything is decided at all: a
// frozen cluster wants nothing, and forgets nothing.
func (r *Reconciler) decide() bool {
	if _, frozen := r.s.Frozen(); frozen {
		r.stale = true
		r.standing.drop(&scope{allDaemons: true, allChains: true, allPeers: true})
		return false
	}
	r.choose()
	d := newScopedDiff(r.s, &r.scope).decide()
	for _, refused := range d.refusals {
		r.s.RefuseForced(refused.order, refused.reason)
	}
	r.keys = r.standing.replace(&r.scope, d.wants, r.keys)
	r.quiet.compare(r.s, &r.standing)
	r.stale = false
	return true
}

// choose sets the scope of this pass.
func (r *Reconciler) choose() {
	touched, slice := r.s.Touched(marks.Reconcile), r.s.Slice()
	if r.stale {
		touched.Daemons.All, touched.Chains.All, touched.Peers.All, touched.Actions.All = true, true, true, true
	}
	r.peers = union(&r.touched, r.peers, touched.Peers.IDs, touched.Avoided.IDs) // locality asks whether a peer is avoided
	touched.Peers.All, touched.Peers.IDs = touched.Peers.All || touched.Avoided.All, r.peers
	r.quiet.note(&r.standing, touched, slice)
	sc := &r.scope
	sc.allDaemons, sc.allChains, sc.allPeers, sc.views = touched.Daemons.All, touched.Chains.All, touched.Peers.All, scratch.Again(&sc.gauges.views, sc.views)
	sc.made = false
	sc.daemons = union(&sc.gauges.daemons, sc.daemons, touched.Daemons.IDs, slice.Daemons)
	sc.peers = union(&sc.gauges.peers, sc.peers, touched.Peers.IDs, slice.Peers)
	var forced []mesh.ChainID
	for _, order := range r.s.Forced() {
		forced = append(forced, order.Chain)
	}
	sc.chains = union(&sc.gauges.chains, sc.chains, touched.Chains.IDs, slice.Chains, forced)

	r.keys = r.keys[:0]
	if touched.Actions.All {
		r.keys = r.s.AppendKeys(r.keys)
	}
	for _, id := range touched.Actions.IDs {
		if key, ok := r.s.KeyOf(id); ok {
			r.keys = append(r.keys, key)
		}
	}
	r.s.Taken(marks.Reconcile)
}

// handOut hands out what may be handed out now, in the order of the arms and, of one arm, in
// that in which it wants things. Others than those that were decided anew, and those that
// found no room before, are outstanding or have to wait: what ends that touches their subject.
func (r *Reconciler) handOut(room int) Result {
	var res Result
	var late []*one
	for w := range r.standing.inOrder() {
		switch {
		case !w.late && !r.s.Ready(w.key):
		case held(r.s, w.want) || !res.handOut(r.s, w.want, room):
			w.late = true
			late = append(late, w)
		}
	}
	r.standing.late = late
	return res
}

// forget forgets the keys that are not wanted any more.
func (r *Reconciler) forget() {
	for _, key := range r.keys {
		if !r.standing.wants(key) {
			r.s.ForgetKey(key)
		}
	}
}

// newScopedDiff is newDiff for a part of the subjects, right after a tick.
func newScopedDiff(s *state.State, sc *scope) *diff {
	d := &diff{
		s: s, scope: sc, decided: make(map[mesh.ChainID]bool),
		lost: s.Lost(), leaving: s.LeavingNow(),
	}
	if sc.allChains {
		d.removing = s.PendingRemovals()
		return d
	}
	d.removing = make(map[mesh.ChainID][]mesh.NodeID)
	if s.Removing() {
		for _, id := range sc.chains {
			if nodes := s.RemovalsOf(id); len(nodes) > 0 {
				d.removing[id] = nodes
			}
		}
	}
	return d
}

package state

import (
	"slices"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

// Touched is what was touched since a reader took it last: changed, removed, or due to be
// looked at again because of the time.
type Touched struct {
	Daemons marks.Touched[mesh.DaemonID] // those too whose order with a touched one matters
	Chains  marks.Touched[mesh.ChainID]
	Peers   marks.Touched[mesh.NodeID]
	Avoided marks.Touched[mesh.NodeID] // entries of the avoid list
	// Actions are those whose keys may be handed out again, or that ended: see KeyOf.
	Actions marks.Touched[mesh.ActionID]
}

// Touched returns what a reader has to look at. It is complete after a Tick.
func (s *State) Touched(r marks.Reader) Touched {
	s.noteWhole()
	s.spread(r)
	return Touched{
		Daemons: s.daemons.marks.Of(r), Chains: s.chains.marks.Of(r),
		Peers: s.peers.marks.Of(r), Avoided: s.avoid.marks.Of(r), Actions: s.ledger.marks.Of(r),
	}
}

// Taken notes that a reader has dealt with everything that was touched up to now.
func (s *State) Taken(r marks.Reader) {
	s.daemons.marks.Taken(r)
	s.chains.marks.Taken(r)
	s.peers.marks.Taken(r)
	s.avoid.marks.Taken(r)
	s.ledger.marks.Taken(r)
}

// MarkAll has the next tick and all readers look at everything.
func (s *State) MarkAll() {
	s.daemons.marks.TouchAll()
	s.chains.marks.TouchAll()
	s.peers.marks.TouchAll()
	s.avoid.marks.TouchAll()
	s.ledger.marks.TouchAll()
}

// wholes is what decisions about every chain or every daemon depend on.
type wholes struct {
	evacuating bool // matters for every daemon; the others matter for every chain
	active     bool
	givesUp    bool
	mayPull    bool
	scores     bool
	inside     bool   // in maintenance
	targets    uint64 // of chains that are spread over a label
	lighter    uint64 // version of who leads fewer chains
}

// noteWhole touches all chains or all daemons if what concerns all of them has changed.
func (s *State) noteWhole() {
	now := wholes{
		evacuating: s.Evacuating(), active: s.Active(), givesUp: s.GivesUpReplicas(),
		mayPull: s.MayPull(), scores: s.ScoresUsable(), inside: s.InMaintenance(s.node), lighter: s.leading.version,
	}
	if s.members.spread > 0 {
		now.targets = s.members.targets
	}
	if now == s.whole {
		return
	}
	if now.evacuating != s.whole.evacuating {
		s.daemons.marks.TouchAll()
	}
	s.chains.marks.TouchAllFor(marks.Reconcile)
	s.whole = now
}

// touchSubject touches what the actions of a key are about: what was handed out counts in
// decisions, and is shown.
func (s *State) touchSubject(key mesh.ActionKey) {
	switch key.Kind {
	case mesh.KindStartDaemon, mesh.KindStopDaemon, mesh.KindApplyBackoff, mesh.KindAskReload, mesh.KindSendSignal:
		s.daemons.edit(mesh.DaemonID(key.Subject))
	case mesh.KindPullReplica, mesh.KindDropReplica, mesh.KindRequestPlacement, mesh.KindRequestEviction, mesh.KindTransferLeader:
		s.chains.edit(mesh.ChainID(key.Subject))
	case mesh.KindMarkAvoid:
		s.peers.edit(mesh.NodeID(key.Subject))
	}
}

// spread adds the daemons for which a touched one matters: those that are started after it,
// also by way of others, and those before which all of them end.
func (s *State) spread(r marks.Reader) {
	touch := func(id mesh.DaemonID) {
		if d := s.daemons.get(id); d != nil {
			s.daemons.marks.TouchFor(r, id, &d.Set, s.daemons.len())
		}
	}
	list := &s.daemons.marks
	for i := 0; i < list.Len(r); i++ {
		for _, id := range s.dependents[list.At(r, i)] {
			touch(id)
		}
	}
	for i, n := 0, list.Len(r); i < min(n, list.Len(r)); i++ {
		if d := s.daemons.get(list.At(r, i)); d != nil {
			s.eachBefore(d, touch)
		}
	}
}

// eachBefore visits the daemons that are started before one, some perhaps twice.
func (s *State) eachBefore(d *daemon, visit func(mesh.DaemonID)) {
	for _, id := range d.after {
		visit(id)
	}
	for _, id := range d.requires {
		visit(id)
	}
}

// removeDaemon removes a daemon. Those that ended after it wait for it no longer.
func (s *State) removeDaemon(id mesh.DaemonID, d *daemon) {
	s.eachBefore(d, func(before mesh.DaemonID) {
		s.dependents[before] = slices.DeleteFunc(s.dependents[before], func(n mesh.DaemonID) bool { return n == id })
		s.daemons.edit(before)
	})
	s.daemons.remove(id)
}

package state

import (
	"github.com/meshos/meshos/host/entries"
	"github.com/meshos/meshos/host/mesh"
)

// scoreTable is what the scorer's answers say. The scores of most chains are in place: in their
// entries.
type scoreTable struct {
	known   bool
	at      mesh.Time // when the last answer was folded
	version uint64    // number of the pass whose view was scored
	// aside are the scores of chains that are not in place: others have holders now, or had
	// when they were scored.
	aside map[mesh.ChainID]asideScores
	// invalid are nodes whose scores do not count until there is another answer.
	invalid map[mesh.NodeID]bool
}

type asideScores struct {
	scoredChain
	// unsettled means that the holders of the chain have changed since the view was made: its
	// scores count again with the next answer.
	unsettled bool
}

// bestOf returns the best alternative of a chain; 0 for none.
func (s *State) bestOf(id mesh.ChainID, c *chain) mesh.NodeID {
	if c.is(chainScored) {
		return c.scores.best
	}
	return s.scores.aside[id].best.Node
}

// applyScores folds an answer: the whole table, or what has changed in it. It ignores scores
// that are not finite and clamps the others to 0 … 1. It ignores an answer for an older view
// than the present one.
func (s *State) applyScores(in mesh.Scores) {
	if s.scores.known && in.ViewVersion < s.scores.version {
		return
	}
	before := s.scores
	whole := !in.Changes || !before.known
	s.scores = scoreTable{known: true, at: s.now, version: in.ViewVersion, aside: before.aside}
	if whole {
		s.scores.aside = nil
	}
	for i := range in.Chains {
		s.takeScores(&in.Chains[i], before.aside)
	}
	if whole { // the others have no scores any more
		s.unscoreOthers(in.Chains)
		for id := range before.aside {
			s.chains.edit(id)
		}
	}
	for _, id := range in.Unscored {
		_, aside := s.scores.aside[id]
		delete(s.scores.aside, id)
		if c := s.chains.get(id); c != nil && (aside || c.is(chainScored)) {
			c.unscore()
			s.chains.touch(id, c)
		}
	}
	s.settleScores()
	for n := range before.invalid {
		s.touchChainsOf(n)
	}
}

// unscoreOthers forgets the scores of the chains that are not in a whole table.
func (s *State) unscoreOthers(table []mesh.ChainScore) {
	named := make([]bool, s.chains.entries.Places())
	for i := range table {
		if place, known := s.chains.entries.Place(table[i].Chain); known {
			named[place] = true
		}
	}
	for i, is := range named {
		if is {
			continue
		}
		if id, c := s.chains.entries.At(entries.Place(i)); c.is(chainScored) {
			c.unscore()
			s.chains.touch(id, c)
		}
	}
}

// takeScores takes the scores of one chain, which had others or none. before are those that
// were aside.
func (s *State) takeScores(in *mesh.ChainScore, before map[mesh.ChainID]asideScores) {
	now := s.policy.scored(in)
	was, aside := before[in.Chain]
	delete(before, in.Chain)
	c := s.chains.get(in.Chain)
	if c == nil {
		s.setAside(in.Chain, asideScores{now, false})
		return
	}
	if best := now.best.Node; best != 0 && best != c.scores.best && best != was.best.Node {
		s.chainsOf.add(s, best, in.Chain)
	}
	if !aside && c.scoredAs(&now) {
		return
	}
	s.chains.touch(in.Chain, c)
	since := c.holdersSince(s.scores.version)
	if since || !c.score(&now) {
		c.unscore()
		s.setAside(in.Chain, asideScores{now, since})
	}
}

func (s *State) setAside(id mesh.ChainID, scores asideScores) {
	if s.scores.aside == nil {
		s.scores.aside = make(map[mesh.ChainID]asideScores)
	}
	s.scores.aside[id] = scores
}

// unsettle notes that the holders of a chain are not those of the view any more; they were
// before.
func (s *State) unsettle(id mesh.ChainID, c *chain, before []mesh.NodeID) {
	if c.is(chainScored) {
		s.setAside(id, asideScores{c.scored(before), true})
		c.unscore()
	} else if scores, aside := s.scores.aside[id]; aside {
		scores.unsettled = true
		s.scores.aside[id] = scores
	}
}

// settleScores finds the chains whose scores count again, since their holders are those of
// the present view.
func (s *State) settleScores() {
	for id, scores := range s.scores.aside {
		c := s.chains.get(id)
		if c == nil || c.holdersSince(s.scores.version) {
			continue
		}
		inPlace := c.score(&scores.scoredChain)
		if inPlace || scores.unsettled {
			s.chains.touch(id, c)
		}
		if best := scores.best.Node; best != 0 && scores.unsettled {
			s.chainsOf.add(s, best, id) // the chain may have been away
		}
		if scores.unsettled = false; inPlace {
			delete(s.scores.aside, id)
		} else {
			s.scores.aside[id] = scores
		}
	}
}

// holdersSince reports whether the holders of a chain have changed since a view was made.
func (c *chain) holdersSince(version uint64) bool {
	return c.is(chainEverChanged) && c.changed >= version
}

// invalidatePlacement forgets the scores of a node and the rebalance cooldown of
// the chains it holds.
func (s *State) invalidatePlacement(n mesh.NodeID) {
	s.forgetScores(map[mesh.NodeID]bool{n: true})
	for id, c := range s.chains.all() {
		if c.view(id).HeldBy(n) {
			s.chains.touch(id, c)
			c.set(chainRebalanced, false)
		}
	}
}

// forgetScores makes the scores of nodes not count until there is another answer.
func (s *State) forgetScores(of map[mesh.NodeID]bool) {
	if s.scores.invalid == nil {
		s.scores.invalid = make(map[mesh.NodeID]bool, len(of))
	}
	for n := range of {
		s.scores.invalid[n] = true
		s.touchChainsOf(n)
	}
}

// touchChainsOf touches the chains for which a node may matter.
func (s *State) touchChainsOf(n mesh.NodeID) {
	for id := range s.chainsOf.of(s, n) {
		s.chains.edit(id)
	}
}

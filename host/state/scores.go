package state

import (
	"cmp"
	"math"
	"slices"
	"time"

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

// scored takes over the scores of a chain. They share the memory of the answer if it has them
// as they are to be.
func (p *Policy) scored(c *mesh.ChainScore) scoredChain {
	out := scoredChain{holders: c.Holders, cost: p.costScore(c.Cost)}
	if !tidy(c.Holders) {
		out.holders = tidied(c.Holders)
	}
	if c.Best != nil && c.Best.Node != 0 {
		if score, ok := usableScore(c.Best.Score); ok {
			out.best = mesh.NodeScore{Node: c.Best.Node, Score: score}
		}
	}
	return out
}

// tidy reports whether scores are ascending by node, and can be used.
func tidy(scores []mesh.NodeScore) bool {
	for i, h := range scores {
		if i > 0 && scores[i-1].Node >= h.Node || !(h.Score >= 0 && h.Score <= 1) {
			return false
		}
	}
	return true
}

// tidied returns the scores that can be used, ascending by node.
func tidied(scores []mesh.NodeScore) []mesh.NodeScore {
	out := make([]mesh.NodeScore, 0, len(scores))
	for _, h := range slices.Backward(scores) { // of two scores of a node, the later one counts
		if score, ok := usableScore(h.Score); ok {
			out = append(out, mesh.NodeScore{Node: h.Node, Score: score})
		}
	}
	slices.SortStableFunc(out, func(a, b mesh.NodeScore) int { return cmp.Compare(a.Node, b.Node) })
	return slices.CompactFunc(out, func(a, b mesh.NodeScore) bool { return a.Node == b.Node })
}

// usableScore clamps a score to 0 … 1; ok is false if it is not finite.
func usableScore(score float32) (clamped float32, ok bool) {
	if f := float64(score); math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, false
	}
	return min(1, max(0, score)), true
}

// ScoresUsable reports whether there is a table of scores that is at most two decision
// intervals old.
func (s *State) ScoresUsable() bool {
	return s.scores.known && s.now.Sub(s.scores.at) <= 2*s.policy.DecisionInterval
}

// Score returns the score of a holder of a chain. ok is false if there is no score, if the
// table is too old, or if the holders of the chain have changed since they were scored.
func (s *State) Score(id mesh.ChainID, n mesh.NodeID) (score float32, ok bool) {
	c := s.ScoresOf(id)
	return c.Of(n)
}

// ChainScores are the scores of one chain that may be used now. The zero value has none.
type ChainScores struct {
	holders []mesh.NodeID
	scores  []float32 // of holders
	aside   scoredChain
	invalid map[mesh.NodeID]bool
}

// ScoresOf returns the scores of a chain, for whoever asks for several.
func (s *State) ScoresOf(id mesh.ChainID) ChainScores {
	c := s.scoredNow(id)
	switch {
	case c == nil:
		return ChainScores{}
	case c.is(chainScored):
		return ChainScores{holders: c.holders, scores: c.ofHolders(len(c.holders)), invalid: s.scores.invalid}
	}
	return ChainScores{aside: s.scores.aside[id].scoredChain, invalid: s.scores.invalid}
}

// Of returns the score of a holder, like Score.
func (c *ChainScores) Of(n mesh.NodeID) (score float32, ok bool) {
	if len(c.holders)+len(c.aside.holders) == 0 || c.invalid[n] {
		return 0, false
	}
	i, held := slices.BinarySearch(c.holders, n)
	switch {
	case !held:
		return c.aside.of(n)
	case c.scores[i] < 0:
		return 0, false
	}
	return c.scores[i], true
}

// Alternative returns the best node that does not hold a chain, and the cost of moving
// there in units of score. ok is false under the same conditions as for Score.
func (s *State) Alternative(id mesh.ChainID) (best mesh.NodeScore, cost float32, ok bool) {
	c := s.scoredNow(id)
	switch {
	case c == nil:
		return mesh.NodeScore{}, 0, false
	case c.is(chainScored):
		best, cost = mesh.NodeScore{Node: c.scores.best, Score: c.scores.bestScore}, c.scores.cost
	default:
		aside := s.scores.aside[id]
		best, cost = aside.best, aside.cost
	}
	if best.Node == 0 || s.scores.invalid[best.Node] {
		return mesh.NodeScore{}, 0, false
	}
	return best, cost, true
}

// scoredNow returns a chain whose scores, if it has any, may be used now; nil if they may not.
func (s *State) scoredNow(id mesh.ChainID) *chain {
	if !s.ScoresUsable() {
		return nil
	}
	c := s.chains.get(id)
	if c == nil || c.holdersSince(s.scores.version) {
		return nil
	}
	return c
}

// costScore converts the cost of a move to units of score. A reliability factor that is not
// finite and positive counts as 1.
func (p *Policy) costScore(c *mesh.MigrationCost) float32 {
	if c == nil {
		return 0
	}
	weight := c.Reliability
	if f := float64(weight); math.IsNaN(f) || math.IsInf(f, 0) || weight <= 0 {
		weight = 1
	}
	seconds := float32(time.Duration(mesh.Time(c.StateTransfer).Add(c.Disruption)).Seconds())
	return float32(p.CostPerSecond) * seconds * weight
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

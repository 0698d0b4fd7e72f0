package answers

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// ScorePages puts the pages of a scorer's answer together, without the scores that can't be
// used. Make it with NewScorePages, call Add for each page and End after the last.
type ScorePages struct {
	view   uint64
	chains int
	full   bool

	table   mesh.Scores
	bad     Discarded
	pages   int
	entries int // chains in all pages
	costs   map[mesh.MigrationCost]*mesh.MigrationCost
}

// NewScorePages expects the answer for a view with so many chains, of which the whole was
// sent if full is true, else only what changed.
func NewScorePages(view uint64, chains int, full bool) *ScorePages {
	s := &ScorePages{view: view, chains: chains, full: full, costs: make(map[mesh.MigrationCost]*mesh.MigrationCost)}
	if full { // then there is a score for most of them
		s.table.Chains = make([]mesh.ChainScore, 0, chains)
	}
	return s
}

const (
	// surplusMax is how many chains beside those of the view an answer may have. They are
	// discarded, and have to come to an end.
	surplusMax = 10_000
	// tinyPages is how many pages may have fewer than leastPerPage chains.
	tinyPages    = 1000
	leastPerPage = 4
	// costsMax is how many costs are kept to be shared by chains.
	costsMax = 4096
)

// Add adds a page. After an error nothing of the answer may be used.
func (s *ScorePages) Add(p *pluginv1.ScorePage) error {
	if err := s.checkPage(p); err != nil {
		return err
	}
	costs := s.costsOf(p)
	holders, scores := p.GetHolders(), p.GetScores()
	s.table.Chains = slices.Grow(s.table.Chains, len(p.GetChains()))
	for i, id := range p.GetChains() {
		n := int(p.GetHolderCounts()[i])
		s.addChain(mesh.ChainID(id), holders[:n], scores[:n], mesh.NodeScore{
			Node: mesh.NodeID(at(p.GetBest(), i)), Score: at(p.GetBestScores(), i),
		}, costs, at(p.GetCosts(), i))
		holders, scores = holders[n:], scores[n:]
	}
	for _, id := range p.GetUnscored() {
		s.table.Unscored = append(s.table.Unscored, mesh.ChainID(id))
	}
	return nil
}

// checkPage checks what makes the whole answer useless, before anything is made of it.
func (s *ScorePages) checkPage(p *pluginv1.ScorePage) error {
	n := len(p.GetChains())
	s.pages++
	s.entries += n + len(p.GetUnscored())
	if s.pages == 1 {
		s.table.ViewVersion, s.table.Changes = p.GetViewVersion(), p.GetChanges()
		switch {
		case p.GetViewVersion() != s.view:
			return fmt.Errorf("it scored view %d, but was asked for view %d", p.GetViewVersion(), s.view)
		case p.GetChanges() && s.full:
			return errors.New("it has only changes, but the whole view was sent")
		}
	}
	switch {
	case s.pages > 1 && n+len(p.GetUnscored()) == 0:
		return fmt.Errorf("page %d is empty", s.pages)
	case s.entries > s.chains+surplusMax:
		return fmt.Errorf("its pages have %d chains so far, and the view has only %d", s.entries, s.chains)
	case s.pages > tinyPages && s.entries < leastPerPage*s.pages:
		return fmt.Errorf("its first %d pages have %d chains: put more into each", s.pages, s.entries)
	case len(p.GetUnscored()) > 0 && !s.table.Changes:
		return errors.New("unscored is for answers with changes only: leave these chains out")
	case len(p.GetScores()) != len(p.GetHolders()):
		return fmt.Errorf("%d holders but %d scores", len(p.GetHolders()), len(p.GetScores()))
	}
	for _, c := range []column{
		{"holder_counts", len(p.GetHolderCounts()), false},
		{"best", len(p.GetBest()), true},
		{"best_scores", len(p.GetBestScores()), len(p.GetBest()) == 0},
		{"costs", len(p.GetCosts()), true},
	} {
		if c.length != n && !(c.optional && c.length == 0) {
			return fmt.Errorf("%d chains but %d %s", n, c.length, c.name)
		}
	}
	costs := len(p.GetStateTransferNs())
	if len(p.GetDisruptionNs()) != costs || len(p.GetReliabilityFactors()) != costs {
		return fmt.Errorf("%d state_transfer_ns but %d disruption_ns and %d reliability_factors",
			costs, len(p.GetDisruptionNs()), len(p.GetReliabilityFactors()))
	}
	var holders uint64
	for _, count := range p.GetHolderCounts() {
		holders += uint64(count)
	}
	if holders != uint64(len(p.GetHolders())) {
		return fmt.Errorf("the holder_counts add up to %d, but there are %d holders", holders, len(p.GetHolders()))
	}
	return nil
}

// costsOf returns the costs of a page; nil for those that can't be used. Equal ones are one.
func (s *ScorePages) costsOf(p *pluginv1.ScorePage) []*mesh.MigrationCost {
	out := make([]*mesh.MigrationCost, len(p.GetStateTransferNs()))
	for i := range out {
		c := mesh.MigrationCost{
			StateTransfer: time.Duration(p.GetStateTransferNs()[i]),
			Disruption:    time.Duration(p.GetDisruptionNs()[i]),
			Reliability:   p.GetReliabilityFactors()[i],
		}
		if c.StateTransfer < 0 || c.Disruption < 0 || !finite(c.Reliability) || c.Reliability < 0 {
			continue
		}
		if out[i] = s.costs[c]; out[i] == nil {
			out[i] = &c
			if len(s.costs) < costsMax {
				s.costs[c] = &c
			}
		}
	}
	return out
}

// addChain adds what can be used of one chain.
func (s *ScorePages) addChain(id mesh.ChainID, holders []uint64, scores []float32, best mesh.NodeScore, costs []*mesh.MigrationCost, cost uint32) {
	if id == 0 {
		s.bad.Add("score without a chain", "chain 0")
		return
	}
	// One piece of memory for each chain: a table keeps some chains of an answer for long.
	nodes := make([]mesh.NodeScore, 0, len(holders)+1)
	for i, n := range holders {
		score := mesh.NodeScore{Node: mesh.NodeID(n), Score: scores[i]}
		if s.goodScore(id, score) {
			nodes = append(nodes, score)
		}
	}
	nodes = s.once(id, nodes)
	n := len(nodes)
	out := mesh.ChainScore{Chain: id, Holders: nodes[:n:n]}
	if best.Node != 0 && s.goodScore(id, best) {
		nodes = append(nodes, best)
		out.Best = &nodes[n]
	}
	switch {
	case cost == 0:
	case int(cost) > len(costs):
		s.bad.Add("cost that the page does not have", "chain %d: %d of %d", id, cost, len(costs))
	case costs[cost-1] == nil:
		s.bad.Add("cost that is negative or not finite", "chain %d", id)
	default:
		out.Cost = costs[cost-1]
	}
	s.table.Chains = append(s.table.Chains, out)
}

// once removes, in place, all but the first score of each holder.
func (s *ScorePages) once(chain mesh.ChainID, nodes []mesh.NodeScore) []mesh.NodeScore {
	const few = 16
	if len(nodes) > few {
		seen := make(map[mesh.NodeID]bool, len(nodes))
		return slices.DeleteFunc(nodes, func(n mesh.NodeScore) bool {
			if seen[n.Node] {
				s.bad.Add("holder twice in a chain's scores", "chain %d, node %d", chain, n.Node)
				return true
			}
			seen[n.Node] = true
			return false
		})
	}
	kept := nodes[:0]
	for _, n := range nodes {
		if slices.ContainsFunc(kept, func(k mesh.NodeScore) bool { return k.Node == n.Node }) {
			s.bad.Add("holder twice in a chain's scores", "chain %d, node %d", chain, n.Node)
			continue
		}
		kept = append(kept, n)
	}
	return kept
}

// goodScore reports whether a score can be used, and counts it as discarded if not. One that
// is finite but out of range stays: the core clamps it.
func (s *ScorePages) goodScore(chain mesh.ChainID, n mesh.NodeScore) bool {
	switch {
	case n.Node == 0:
		s.bad.Add("score without a node", "chain %d", chain)
	case !finite(n.Score):
		s.bad.Add("score not finite", "chain %d, node %d: %v", chain, n.Node, n.Score)
	default:
		return true
	}
	return false
}

// End notes that the last page has come.
func (s *ScorePages) End() error {
	if s.pages == 0 {
		return errors.New("it has no page")
	}
	return nil
}

// Scores returns the table. Chains of which it says nothing that can be used are in it.
func (s *ScorePages) Scores() mesh.Scores { return s.table }

// Discarded returns what was left out.
func (s *ScorePages) Discarded() Discarded { return s.bad }

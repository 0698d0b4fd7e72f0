package scorepages

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Table is an answer that is put together of its pages.
type Table struct {
	Table *meshosv1.ScoreTable
	seen  map[uint64]bool
}

// Add adds a page. The error says why no host would take it.
func (t *Table) Add(p *pluginv1.ScorePage) error {
	first := t.Table == nil
	if first {
		t.Table = &meshosv1.ScoreTable{ViewVersion: p.GetViewVersion(), Changes: p.GetChanges()}
		t.seen = make(map[uint64]bool)
	} else if p.GetViewVersion() != 0 || p.GetChanges() {
		return fmt.Errorf("a later page has a view_version or changes, which are for the first")
	} else if len(p.GetChains())+len(p.GetUnscored()) == 0 {
		return fmt.Errorf("a later page has no chain")
	}
	n, costs := len(p.GetChains()), len(p.GetStateTransferNs())
	switch {
	case len(p.GetHolderCounts()) != n || len(p.GetBest()) != n || len(p.GetBestScores()) != n || len(p.GetCosts()) != n:
		return fmt.Errorf("%d chains but %d holder_counts, %d best, %d best_scores and %d costs",
			n, len(p.GetHolderCounts()), len(p.GetBest()), len(p.GetBestScores()), len(p.GetCosts()))
	case len(p.GetScores()) != len(p.GetHolders()):
		return fmt.Errorf("%d holders but %d scores", len(p.GetHolders()), len(p.GetScores()))
	case len(p.GetDisruptionNs()) != costs || len(p.GetReliabilityFactors()) != costs:
		return fmt.Errorf("%d state_transfer_ns but %d disruption_ns and %d reliability_factors",
			costs, len(p.GetDisruptionNs()), len(p.GetReliabilityFactors()))
	}
	at := 0
	for i, id := range p.GetChains() {
		if err := t.once(id); err != nil {
			return err
		}
		c := &meshosv1.ChainScore{Chain: id}
		for range p.GetHolderCounts()[i] {
			if at == len(p.GetHolders()) {
				return fmt.Errorf("chain %d has more holders than the page", id)
			}
			c.Holders = append(c.Holders, &meshosv1.NodeScore{Node: p.GetHolders()[at], Score: p.GetScores()[at]})
			at++
		}
		if best := p.GetBest()[i]; best != 0 {
			c.BestAlternative = &meshosv1.NodeScore{Node: best, Score: p.GetBestScores()[i]}
		}
		if place := int(p.GetCosts()[i]); place > costs {
			return fmt.Errorf("chain %d has cost %d of %d", id, place, costs)
		} else if place > 0 {
			c.Cost = &meshosv1.MigrationCost{
				StateTransfer:     durationpb.New(time.Duration(p.GetStateTransferNs()[place-1])),
				Disruption:        durationpb.New(time.Duration(p.GetDisruptionNs()[place-1])),
				ReliabilityFactor: p.GetReliabilityFactors()[place-1],
			}
		}
		t.Table.Chains = append(t.Table.Chains, c)
	}
	if at != len(p.GetHolders()) {
		return fmt.Errorf("%d holders belong to no chain", len(p.GetHolders())-at)
	}
	for _, id := range p.GetUnscored() {
		if err := t.once(id); err != nil {
			return err
		}
		t.Table.Unscored = append(t.Table.Unscored, id)
	}
	return nil
}

func (t *Table) once(chain uint64) error {
	if t.seen[chain] {
		return fmt.Errorf("chain %d comes twice", chain)
	}
	t.seen[chain] = true
	return nil
}

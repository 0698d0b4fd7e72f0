package main

import (
	"context"
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// scorer scores holders and alternatives of chains by one formula. It keeps nothing between
// calls: equal views have equal tables.
type scorer struct {
	self    uint64
	formula formula
}

// partLength is how many chains are scored before they are handed over.
const partLength = 1024

// StreamScores scores every chain of a view, in the order of the view. A holder that is not
// among the nodes gets no score; for the host that means unknown. The only errors are that
// ctx has ended and those of send.
func (s *scorer) StreamScores(ctx context.Context, view pluginsdk.View, send func([]*meshosv1.ChainScore) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ranks := rank(&s.formula, s.self, view.Nodes)
	part := make([]*meshosv1.ChainScore, 0, partLength)
	for chains := range slices.Chunk(view.Chains, partLength) {
		part = part[:0]
		for _, chain := range chains {
			if chain.GetChain() != 0 { // 0 is not an id
				part = append(part, s.chain(&ranks, chain))
			}
		}
		if err := send(part); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (s *scorer) chain(ranks *ranking, view *pluginv1.ChainView) *meshosv1.ChainScore {
	holders := ascending(view.GetHolders())
	score := &meshosv1.ChainScore{Chain: view.GetChain()}
	for _, id := range holders {
		if n, ok := ranks.find(id); ok {
			score.Holders = append(score.Holders, &meshosv1.NodeScore{Node: id, Score: float32(n.score)})
		}
	}
	if best, ok := ranks.best(holders); ok {
		score.BestAlternative = &meshosv1.NodeScore{Node: best.id, Score: float32(best.score)}
		score.Cost = s.cost(best.facts)
	}
	return score
}

func (s *scorer) cost(target facts) *meshosv1.MigrationCost {
	transfer, disruption, reliability := s.formula.cost(target)
	return &meshosv1.MigrationCost{
		StateTransfer:     durationpb.New(transfer),
		Disruption:        durationpb.New(disruption),
		ReliabilityFactor: float32(reliability),
	}
}

// ascending returns ids sorted and without duplicates. The view is shared, so ids are copied
// if they have to change.
func ascending(ids []uint64) []uint64 {
	for i := 1; i < len(ids); i++ {
		if ids[i-1] >= ids[i] {
			ids = slices.Clone(ids)
			slices.Sort(ids)
			return slices.Compact(ids)
		}
	}
	return ids
}

package catalog

import (
	"context"

	"google.golang.org/grpc"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Scorer has a plugin score placements.
type Scorer struct{ slot *slot }

// Name is the plugin's, as configured.
func (s *Scorer) Name() string { return s.slot.entry.Name }

// NoOp says whether the plugin calls itself a placeholder.
func (s *Scorer) NoOp() bool { return s.slot.isNoOp() }

// Score gives the plugin's opinion on one view, without what is none. The error
// is a *NotReadyError or a *CallError. After one, and after the plugin was started
// again, the next request must be full: ErrFailedPrecondition says so as well.
func (s *Scorer) Score(ctx context.Context, view *pluginv1.ScoreRequest) (*meshosv1.ScoreTable, error) {
	const method = "PlacementScorer.Score"
	var out *meshosv1.ScoreTable
	err := s.slot.call(ctx, method, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		answer, err := pluginv1.NewPlacementScorerClient(conn).Score(ctx, view)
		if err != nil {
			return err
		}
		good, bad, err := checkScores(answer, view.GetViewVersion())
		if err != nil {
			return s.slot.badAnswer(method, err)
		}
		s.slot.report(method, bad)
		out = good
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

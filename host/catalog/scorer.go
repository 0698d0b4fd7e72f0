package catalog

import (
	"context"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/catalog/answers"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Scorer has a plugin score placements.
type Scorer struct{ adapter }

// NoOp reports whether the plugin describes itself as a placeholder.
func (s *Scorer) NoOp() bool { return s.slot.isNoOp() }

// Score returns the plugin's scores of a view, without those that can't be used. The
// error is a *NotReadyError or a *CallError. After an error, and after a restart of the
// plugin, the next request has to be a full one; ErrFailedPrecondition asks for one too.
func (s *Scorer) Score(ctx context.Context, view *pluginv1.ScoreRequest) (*meshosv1.ScoreTable, error) {
	return ask(ctx, s.slot, s.slot.entry().Timeout, "PlacementScorer.Score",
		func(ctx context.Context, conn grpc.ClientConnInterface) (*meshosv1.ScoreTable, error) {
			return pluginv1.NewPlacementScorerClient(conn).Score(ctx, view)
		},
		func(answer *meshosv1.ScoreTable) (*meshosv1.ScoreTable, answers.Discarded, error) {
			return answers.Scores(answer, view.GetViewVersion())
		})
}

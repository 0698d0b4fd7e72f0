package pluginsdk

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/pluginsdk/internal/scorepages"
	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// scorerService is version 1 of the kind: a view and its scores are one message each.
type scorerService struct {
	pluginv1.UnimplementedPlacementScorerServer
	s *Server
}

func (s scorerService) Score(ctx context.Context, req *pluginv1.ScoreRequest) (*meshosv1.ScoreTable, error) {
	return call(ctx, s.s, func(ctx context.Context, scorer any) (*meshosv1.ScoreTable, error) {
		base, err := s.s.views.base(req)
		if err != nil {
			return nil, err
		}
		view := base.changed(req)
		table := &meshosv1.ScoreTable{ViewVersion: view.Version}
		err = scoreInto(ctx, scorer, view, func(chains []*meshosv1.ChainScore) error {
			table.Chains = append(table.Chains, chains...)
			return nil
		})
		if err != nil {
			return nil, err // the next change is one to the last view that was answered
		}
		s.s.views.scored(heldView{View: view})
		return table, nil
	})
}

// scoreInto has an author's instance score a view.
func scoreInto(ctx context.Context, scorer any, view View, send func([]*meshosv1.ChainScore) error) error {
	if s, streams := scorer.(StreamingScorer); streams {
		return s.StreamScores(ctx, view, send)
	}
	chains, err := scorer.(PlacementScorer).Score(ctx, view)
	if err != nil {
		return err
	}
	return send(chains)
}

// pagedScorerService is version 2: views and scores come in pages. An answer has only what
// the host does not have yet.
type pagedScorerService struct {
	pluginv1.UnimplementedPlacementScorerV2Server
	s *Server
}

func (p pagedScorerService) Score(stream grpc.BidiStreamingServer[pluginv1.ScoreViewPage, pluginv1.ScorePage]) error {
	_, err := call(stream.Context(), p.s, func(ctx context.Context, scorer any) (struct{}, error) {
		return struct{}{}, p.score(ctx, scorer, stream)
	})
	return err
}

func (p pagedScorerService) score(ctx context.Context, scorer any, stream grpc.BidiStreamingServer[pluginv1.ScoreViewPage, pluginv1.ScorePage]) error {
	first, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		return Invalid(errors.New("there is no view: the host closed the stream before the first page"))
	}
	if err != nil {
		return err
	}
	req := &pluginv1.ScoreRequest{ViewVersion: first.GetViewVersion(), Full: first.GetFull(), BaseVersion: first.GetBaseVersion()}
	base, err := p.s.views.base(req)
	if err != nil {
		return err // before the rest is sent
	}
	for page := first; ; {
		if err := scorepages.AddView(req, page); err != nil {
			return Invalid(err)
		}
		if page, err = stream.Recv(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	view := base.changed(req)

	ctx, silence := p.s.silenceLimit(ctx)
	defer silence.end()
	out := scorepages.NewWriter(view.Version, wire.PageLimit(first.GetPageBytes()), base.answered, view.leads, func(page *pluginv1.ScorePage) error {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		err := stream.Send(page)
		silence.broken()
		return err
	})
	err = scoreInto(ctx, scorer, view, func(chains []*meshosv1.ChainScore) error {
		for _, c := range chains {
			if err := out.Add(c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	answered, err := out.Close()
	if err != nil {
		return err
	}
	p.s.views.scored(heldView{view, answered})
	return nil
}

package plugins

import (
	"context"
	"errors"
	"fmt"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/wire"
)

// scorer is a plugin that scores placements.
type scorer struct{ *catalog.Scorer }

// Score implements scoring.Scorer.
func (s scorer) Score(ctx context.Context, req scoring.Request) (mesh.Scores, error) {
	table, err := s.score(ctx, req)
	switch {
	case errors.Is(err, catalog.ErrUnavailable): // not ready, or ending just now
		return mesh.Scores{}, &scorerError{scoring.ErrAway, err}
	case errors.Is(err, catalog.ErrFailedPrecondition):
		return mesh.Scores{}, &scorerError{scoring.ErrNoBase, err}
	case errors.Is(err, catalog.ErrTooLarge) && !s.InPages():
		return mesh.Scores{}, &scoring.TooManyError{Chains: req.Led, Err: fmt.Errorf("%s scores no more than fits into one message of 4 MiB, "+
			"and this node leads %d chains: it serves version 1 of placement_scorer only; build it with the present pluginsdk, "+
			"which serves version 2, whose scores come in pages, and replace its file", s.Name(), req.Led)}
	}
	return table, err
}

// score asks the plugin in the latest version that it serves.
func (s scorer) score(ctx context.Context, req scoring.Request) (mesh.Scores, error) {
	if s.InPages() {
		return s.ScorePages(ctx, catalog.PagedView{
			Version: req.Version, Full: req.Full, Chains: req.Led, Pages: wire.ScoreViewPages(req, s.PageBytes()),
		})
	}
	table, err := s.Scorer.Score(ctx, wire.ScoreRequestToProto(req))
	if err != nil {
		return mesh.Scores{}, err
	}
	out, err := wire.ScoresFromProto(table)
	if err != nil {
		return mesh.Scores{}, fmt.Errorf("plugin %s: its scores can't be used: %w", s.Name(), err)
	}
	return out, nil
}

// scorerError is an error of a plugin, marked for host/scoring with its kind, which
// is not shown to people.
type scorerError struct{ kind, err error }

// Error implements error.
func (e *scorerError) Error() string { return e.err.Error() }

// Unwrap returns both.
func (e *scorerError) Unwrap() []error { return []error{e.kind, e.err} }

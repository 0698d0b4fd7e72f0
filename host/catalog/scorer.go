package catalog

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Scorer has a plugin score placements.
type Scorer struct{ adapter }

// NoOp reports whether the plugin describes itself as a placeholder.
func (s *Scorer) NoOp() bool { return s.slot.isNoOp() }

// InPages reports whether the plugin serves version 2 of the kind, so that ScorePages may be
// called, and not Score.
func (s *Scorer) InPages() bool {
	s.slot.mu.Lock()
	defer s.slot.mu.Unlock()
	i := s.slot.instance
	return i != nil && i.scorerVersion == 2
}

// PageBytes returns how large pages are to be, in both directions.
func (s *Scorer) PageBytes() int { return wire.PageLimit(uint32(s.slot.opts.PageBytes)) }

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

// PagedView is a view in pages.
type PagedView struct {
	Version uint64
	Full    bool
	Chains  int // of the whole view, also if its pages are only changes
	Pages   iter.Seq[*pluginv1.ScoreViewPage]
}

// chainsPerSecond is how many chains a plugin has to get through in a second beside its
// timeout. Most take a tenth of that time.
const chainsPerSecond = 100_000

// patience returns how long the plugin may be silent: it may have to look at all chains
// before its first page.
func (s *Scorer) patience(chains int) time.Duration {
	return s.slot.entry().Timeout + time.Duration(chains)*time.Second/chainsPerSecond
}

// ScorePages is Score for a view in pages, of any number of chains. The table is that of
// all pages of an answer that came to its end. Pages may be read a moment after an error.
func (s *Scorer) ScorePages(ctx context.Context, view PagedView) (mesh.Scores, error) {
	const method = "PlacementScorerV2.Score"
	table := answers.NewScorePages(view.Version, view.Chains, view.Full)
	err := s.slot.pagedCall(ctx, s.patience(view.Chains), method, func(ctx context.Context, conn grpc.ClientConnInterface, heard func() error) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := pluginv1.NewPlacementScorerV2Client(conn).Score(ctx)
		if err != nil {
			return err
		}
		sent := make(chan struct{})
		go func() { // a plugin may answer before it has read all
			defer close(sent)
			sendPages(stream, view.Pages, heard)
		}()
		defer func() {
			cancel()
			<-sent
		}()
		for {
			page, err := stream.Recv()
			if err == nil {
				err = heard()
			}
			if err == nil {
				err = table.Add(page)
			} else if errors.Is(err, io.EOF) {
				if err = table.End(); err == nil {
					s.slot.reportDiscarded(method, table.Discarded())
					return nil
				}
			} else {
				return err
			}
			if err != nil {
				return &CallError{
					Plugin: s.slot.entry().Name, Method: method, Kind: ErrBadAnswer,
					Detail: err.Error() + "; its author has to fix that",
				}
			}
		}
	})
	if err != nil {
		return mesh.Scores{}, err // the call may still be under way and write to the table
	}
	return table.Scores(), nil
}

// sendPages sends a view, and that this is its end. If that fails, receiving says why.
func sendPages(stream pluginv1.PlacementScorerV2_ScoreClient, pages iter.Seq[*pluginv1.ScoreViewPage], heard func() error) {
	for page := range pages {
		if stream.Send(page) != nil || heard() != nil {
			return
		}
	}
	_ = stream.CloseSend() // it fails only if the stream has ended
}

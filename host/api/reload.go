package api

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/config"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// Reload has the configuration read again and returns what became of it. The error is
// that of ctx, also when the node ends.
type Reload func(ctx context.Context) (Reloaded, error)

// Reloaded is what became of a reload.
type Reloaded struct {
	TakenOver    []config.Difference
	NeedsRestart []config.Difference
	Kept         []string // plugins that keep their configuration, and why
	Warnings     []string
	Rejected     string // the mistakes of the file: nothing was taken over then
}

// Reload implements hostv1.HostServer.
func (s *Service) Reload(ctx context.Context, _ *hostv1.ReloadRequest) (*hostv1.ReloadResponse, error) {
	if s.opts.Reload == nil {
		return nil, notYet("reloading the configuration")
	}
	done, err := s.opts.Reload(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, status.FromContextError(ctx.Err()).Err()
		}
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	return &hostv1.ReloadResponse{
		TakenOver: changes(done.TakenOver), NeedsRestart: changes(done.NeedsRestart),
		Kept: done.Kept, Warnings: done.Warnings, Rejected: done.Rejected,
	}, nil
}

func changes(in []config.Difference) (out []*hostv1.ConfigChange) {
	for _, d := range in {
		out = append(out, &hostv1.ConfigChange{Key: d.String(), Old: d.Old, New: d.New})
	}
	return out
}

package pluginsdk

import (
	"context"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

type aborterService struct {
	pluginv1.UnimplementedMigrationAborterServer
	s *Server
}

func (a aborterService) Abort(ctx context.Context, req *pluginv1.AbortRequest) (*pluginv1.AbortResponse, error) {
	return call(ctx, a.s, func(ctx context.Context, p MigrationAborter) (*pluginv1.AbortResponse, error) {
		return &pluginv1.AbortResponse{}, p.Abort(ctx, req.GetMigration(), req.GetReason())
	})
}

type migrationsService struct {
	pluginv1.UnimplementedMigrationSourceServer
	s *Server
}

func (m migrationsService) List(ctx context.Context, _ *pluginv1.ListMigrationsRequest) (*meshosv1.Migrations, error) {
	return call(ctx, m.s, func(ctx context.Context, p MigrationSource) (*meshosv1.Migrations, error) {
		list, err := p.ListMigrations(ctx)
		return &meshosv1.Migrations{InFlight: list}, err
	})
}

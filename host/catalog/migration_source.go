package catalog

import (
	"context"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// MigrationSource asks a plugin which migrations are under way.
type MigrationSource struct{ adapter }

// ListMigrations returns the migrations under way, without those that can't be true.
// The error is a *NotReadyError or a *CallError.
func (m *MigrationSource) ListMigrations(ctx context.Context) ([]mesh.Migration, error) {
	return ask(ctx, m.slot, m.slot.pollTimeout(), "MigrationSource.List",
		func(ctx context.Context, conn grpc.ClientConnInterface) (*meshosv1.Migrations, error) {
			return pluginv1.NewMigrationSourceClient(conn).List(ctx, &pluginv1.ListMigrationsRequest{})
		},
		func(answer *meshosv1.Migrations) ([]mesh.Migration, answers.Discarded, error) {
			good, bad := answers.Migrations(answer)
			return good, bad, nil
		})
}

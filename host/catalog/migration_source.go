package catalog

import (
	"context"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// MigrationSource asks a plugin which migrations are under way.
type MigrationSource struct{ slot *slot }

// Name is the plugin's, as configured.
func (m *MigrationSource) Name() string { return m.slot.entry.Name }

// ListMigrations gives the migrations under way, without what can't be true. The
// error is a *NotReadyError or a *CallError.
func (m *MigrationSource) ListMigrations(ctx context.Context) ([]mesh.Migration, error) {
	const method = "MigrationSource.List"
	var out []mesh.Migration
	err := m.slot.poll(ctx, method, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		answer, err := pluginv1.NewMigrationSourceClient(conn).List(ctx, &pluginv1.ListMigrationsRequest{})
		if err != nil {
			return err
		}
		good, bad := checkMigrations(answer)
		m.slot.report(method, bad)
		out = good
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

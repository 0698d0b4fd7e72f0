package catalog

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// Aborter has a plugin abort migrations.
type Aborter struct{ slot *slot }

// Name is the plugin's, as configured.
func (a *Aborter) Name() string { return a.slot.entry.Name }

// NoOp says whether the plugin calls itself a placeholder.
func (a *Aborter) NoOp() bool { return a.slot.isNoOp() }

// Abort aborts a migration. One that the plugin does not know is no error: that
// there is none is what was wanted. The error is a *NotReadyError or a *CallError;
// ErrFailedPrecondition says that the migration is past the point of no return.
func (a *Aborter) Abort(ctx context.Context, migration mesh.MigrationID, reason string) error {
	return a.slot.call(ctx, "MigrationAborter.Abort", func(ctx context.Context, conn grpc.ClientConnInterface) error {
		_, err := pluginv1.NewMigrationAborterClient(conn).Abort(ctx, &pluginv1.AbortRequest{
			Migration: uint64(migration), Reason: reason,
		})
		if status.Code(err) == codes.NotFound {
			return nil
		}
		return err
	})
}

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
type Aborter struct{ adapter }

// NoOp reports whether the plugin describes itself as a placeholder.
func (a *Aborter) NoOp() bool { return a.slot.isNoOp() }

// Abort aborts a migration. It returns nil as well if the plugin does not know the
// migration, because then there is nothing left to abort. The error is a *NotReadyError
// or a *CallError; ErrFailedPrecondition means that the migration is past the point of
// no return.
func (a *Aborter) Abort(ctx context.Context, migration mesh.MigrationID, reason string) error {
	return a.slot.call(ctx, a.slot.entry().Timeout, "MigrationAborter.Abort", func(ctx context.Context, conn grpc.ClientConnInterface) error {
		_, err := pluginv1.NewMigrationAborterClient(conn).Abort(ctx, &pluginv1.AbortRequest{
			Migration: uint64(migration), Reason: reason,
		})
		if status.Code(err) == codes.NotFound {
			return nil
		}
		return err
	})
}

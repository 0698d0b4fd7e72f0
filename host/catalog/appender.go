package catalog

import (
	"context"

	"google.golang.org/grpc"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Appender has a plugin store records.
type Appender struct{ slot *slot }

// Name is the plugin's, as configured.
func (a *Appender) Name() string { return a.slot.entry.Name }

// Append stores records in order and returns when they are durable. The error is a
// *NotReadyError or a *CallError; the batch must be sent again then, since nobody
// knows whether it was stored.
func (a *Appender) Append(ctx context.Context, records []*meshosv1.Record) error {
	return a.slot.call(ctx, "ChainAppender.Append", func(ctx context.Context, conn grpc.ClientConnInterface) error {
		_, err := pluginv1.NewChainAppenderClient(conn).Append(ctx, &pluginv1.AppendRequest{Records: records})
		return err
	})
}

package catalog

import (
	"context"

	"google.golang.org/grpc"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Appender has a plugin store records.
type Appender struct{ adapter }

// Append stores records in their order and returns when they are durable. The error is
// a *NotReadyError or a *CallError. After an error the same batch has to be sent again,
// since it may or may not have been stored.
func (a *Appender) Append(ctx context.Context, records []*meshosv1.Record) error {
	return a.slot.call(ctx, a.slot.entry().Timeout, "ChainAppender.Append", func(ctx context.Context, conn grpc.ClientConnInterface) error {
		_, err := pluginv1.NewChainAppenderClient(conn).Append(ctx, &pluginv1.AppendRequest{Records: records})
		return err
	})
}

package catalog

import (
	"context"

	"google.golang.org/grpc"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// ControlSink tells a plugin what supervised daemons should know.
type ControlSink struct{ adapter }

// Renewed returns a channel that is closed once the plugin is ready with another process
// or another configuration than now. What was delivered before is unknown to it then.
func (c *ControlSink) Renewed() <-chan struct{} { return c.slot.renewed() }

// Deliver sends one event. The error is a *NotReadyError or a *CallError.
func (c *ControlSink) Deliver(ctx context.Context, event *pluginv1.ControlEvent) error {
	return c.slot.call(ctx, c.slot.entry().Timeout, "ControlSink.Deliver", func(ctx context.Context, conn grpc.ClientConnInterface) error {
		_, err := pluginv1.NewControlSinkClient(conn).Deliver(ctx, event)
		return err
	})
}

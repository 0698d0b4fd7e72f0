package catalog

import (
	"context"

	"google.golang.org/grpc"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// ControlSink tells a plugin what supervised daemons should know.
type ControlSink struct{ slot *slot }

// Name is the plugin's, as configured.
func (c *ControlSink) Name() string { return c.slot.entry.Name }

// Renewed is closed when the plugin is ready with another process or another
// configuration than now: it knows nothing of what was delivered before.
func (c *ControlSink) Renewed() <-chan struct{} { return c.slot.renewed() }

// Deliver tells one event. The error is a *NotReadyError or a *CallError.
func (c *ControlSink) Deliver(ctx context.Context, event *pluginv1.ControlEvent) error {
	return c.slot.call(ctx, "ControlSink.Deliver", func(ctx context.Context, conn grpc.ClientConnInterface) error {
		_, err := pluginv1.NewControlSinkClient(conn).Deliver(ctx, event)
		return err
	})
}

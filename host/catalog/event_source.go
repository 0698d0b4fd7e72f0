package catalog

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// EventSource streams a plugin's events.
type EventSource struct{ slot *slot }

// Name is the plugin's, as configured.
func (e *EventSource) Name() string { return e.slot.entry.Name }

// Renewed is closed when the plugin is ready with another process or another
// configuration than now. Ask for it before Stream.
func (e *EventSource) Renewed() <-chan struct{} { return e.slot.renewed() }

// Stream hands the plugin's events to take, batch after batch and without what
// can't be true, until the stream ends. Nothing more is read while take is at work,
// so that the plugin is held up by it; take must return when its ctx ends. nil
// means that the plugin has said all it wanted to. The error is that of take, a
// *NotReadyError or a *CallError.
func (e *EventSource) Stream(ctx context.Context, take func(ctx context.Context, events []Heard) error) error {
	const method = "EventSource.Events"
	var refused error
	err := e.slot.stream(ctx, method, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		stream, err := pluginv1.NewEventSourceClient(conn).Events(ctx, &pluginv1.EventsRequest{})
		if err != nil {
			return err
		}
		for {
			batch, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			good, bad := checkEvents(batch.GetEvents())
			e.slot.report(method, bad)
			if len(good) == 0 {
				continue
			}
			if refused = take(ctx, good); refused != nil {
				return refused
			}
		}
	})
	if refused != nil {
		return refused
	}
	return err
}

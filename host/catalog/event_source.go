package catalog

import (
	"context"
	"errors"
	"io"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/catalog/answers"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// EventSource streams a plugin's events.
type EventSource struct{ adapter }

// Renewed returns a channel that is closed once the plugin is ready with another process
// or another configuration than now. Ask for it before Stream.
func (e *EventSource) Renewed() <-chan struct{} { return e.slot.renewed() }

// How many batches that bring nothing, and events that are discarded, are read for long
// and at once. A plugin that streams more of them waits: to read what brings nothing
// would cost the host most of a core.
const (
	nothingPerSecond = 1000
	nothingAtOnce    = 10_000
)

// Stream passes the plugin's events to take, batch by batch and without those that are
// malformed, until the stream ends. It reads on when take has returned, so a slow take
// holds up the plugin; take has to return when its ctx ends. Stream returns nil when the
// plugin ended the stream without an error. Otherwise the error is the one of take, a
// *NotReadyError or a *CallError.
func (e *EventSource) Stream(ctx context.Context, take func(ctx context.Context, events []answers.Event) error) error {
	const method = "EventSource.Events"
	var refused error
	err := e.slot.stream(ctx, method, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		stream, err := pluginv1.NewEventSourceClient(conn).Events(ctx, &pluginv1.EventsRequest{})
		if err != nil {
			return err
		}
		refused, err = passOn(ctx, stream.Recv, func(batch *pluginv1.EventBatch) []answers.Event {
			good, bad := answers.Events(batch.GetEvents(), e.slot.peers.current())
			e.slot.reportDiscarded(method, bad)
			return good
		}, take)
		if refused != nil {
			return refused
		}
		return err
	})
	if refused != nil {
		return refused
	}
	return err
}

// passOn passes what is good in each batch to take, until the stream ends. refused is the error
// of take.
func passOn(ctx context.Context, receive func() (*pluginv1.EventBatch, error), goodOf func(*pluginv1.EventBatch) []answers.Event,
	take func(context.Context, []answers.Event) error,
) (refused, err error) {
	nothing := rate.NewLimiter(nothingPerSecond, nothingAtOnce)
	for {
		batch, err := receive()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		good := goodOf(batch)
		if wasted := len(batch.GetEvents()) - len(good); wasted > 0 || len(good) == 0 {
			if err := nothing.WaitN(ctx, min(1+wasted, nothingAtOnce)); err != nil {
				return nil, status.FromContextError(context.Cause(ctx)).Err()
			}
		}
		if len(good) == 0 {
			continue
		}
		if refused := take(ctx, good); refused != nil {
			return refused, nil
		}
	}
}

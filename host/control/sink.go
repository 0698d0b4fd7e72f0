package control

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/meshos/meshos/internal/guard"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// deliverTimeout bounds one delivery, whatever the sink's own limit is.
const deliverTimeout = 30 * time.Second

// Sink gets what daemons should know.
type Sink interface {
	// Name returns whose sink this is; it must not change.
	Name() string
	// Renewed returns a channel that is closed when the sink has lost what it got until
	// now.
	Renewed() <-chan struct{}
	// Deliver delivers one event. ctx has a deadline.
	Deliver(ctx context.Context, event *pluginv1.ControlEvent) error
}

// attachedSink is one sink with its queue.
type attachedSink struct {
	sink   Sink
	queue  *queue
	ended  chan struct{} // closed when Shutdown was delivered or lost, or the sink was removed
	report func(source, reason string)
	log    *slog.Logger

	lost int // deliveries that failed since the last one that did not
}

// run delivers what is queued until ctx ends or Shutdown was delivered. catchUp queues
// the events that describe the present state.
func (a *attachedSink) run(ctx context.Context, catchUp func(*queue)) {
	defer close(a.ended)
	renewed := a.sink.Renewed()
	catchUp(a.queue)
	for {
		select {
		case <-ctx.Done():
			return
		case <-renewed:
			renewed = a.sink.Renewed()
			catchUp(a.queue)
		case <-a.queue.more:
		}
		for e, ok := a.queue.take(); ok && ctx.Err() == nil; e, ok = a.queue.take() {
			a.deliver(ctx, e)
			if e.Kind == Shutdown {
				return
			}
		}
	}
}

// deliver delivers one event, once. A panic in the sink is a failed delivery.
func (a *attachedSink) deliver(ctx context.Context, e Event) {
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	err := guard.Call(func() error { return a.sink.Deliver(ctx, e.Proto(time.Now())) })
	switch {
	case err == nil && a.lost > 0:
		a.log.Info("a control sink takes events again", "plugin", a.sink.Name(), "lost", a.lost)
		a.lost = 0
	case err != nil && a.lost == 0:
		a.report("control_sink:"+a.sink.Name(), fmt.Sprintf("%s was not delivered: %v; further losses are not reported until it takes events again", e.Kind, err))
		a.lost = 1
	case err != nil:
		a.lost++
		a.log.Debug("a control event was lost", "plugin", a.sink.Name(), "event", e.Kind.String(), "error", err)
	}
}

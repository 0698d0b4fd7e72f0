package control

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// deliverTimeout bounds one delivery, whatever the sink's own limit is.
const deliverTimeout = 30 * time.Second

// Sink is told what daemons should know.
type Sink interface {
	// Name says whose sink this is; it must not change.
	Name() string
	// Renewed is closed when the sink has forgotten what it was told until now.
	Renewed() <-chan struct{}
	// Deliver tells one event. ctx has a deadline.
	Deliver(ctx context.Context, event *pluginv1.ControlEvent) error
}

// attached is one sink with what it was not told yet.
type attached struct {
	sink   Sink
	queue  *queue
	ended  chan struct{} // closed when the last event, Shutdown, was delivered or lost
	report func(source, reason string)
	log    *slog.Logger

	lost int // deliveries that failed since the last one that did not
}

// run tells the sink until ctx ends, or it was told that the node ends. catchUp
// queues how things stand.
func (a *attached) run(ctx context.Context, catchUp func(*queue)) {
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

// deliver tells one event, once. A panic in it is a failed delivery.
func (a *attached) deliver(ctx context.Context, e Event) {
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	err := guarded(func() error { return a.sink.Deliver(ctx, e.Proto(time.Now())) })
	switch {
	case err == nil && a.lost > 0:
		a.log.Info("a control sink takes events again", "plugin", a.sink.Name(), "lost", a.lost)
		a.lost = 0
	case err != nil && a.lost == 0:
		a.report("control_sink:"+a.sink.Name(), fmt.Sprintf("%s was not delivered: %v; further losses are not reported until it takes events again", e.Kind, err))
		a.lost = 1
	case err != nil:
		a.lost++
		a.log.Debug("a control sink was not told", "plugin", a.sink.Name(), "event", e.Kind.String(), "error", err)
	}
}

func guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panicked: %v", v)
		}
	}()
	return f()
}

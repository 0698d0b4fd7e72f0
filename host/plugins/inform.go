package plugins

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/control"
	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
)

// InformWithin is how long control sinks have to take in that the node ends, or is
// drained, before daemons are stopped for it.
const InformWithin = 300 * time.Millisecond

// InformFirst is a dispatcher that has control sinks informed of what makes a daemon
// stop before the daemon is asked to stop.
type InformFirst struct {
	executor.Dispatcher
	Control *control.Announcer
	Now     func() mesh.Time
}

// Dispatch implements executor.Dispatcher. However many daemons stop at once, a sink
// that hangs costs the time of one.
func (d InformFirst) Dispatch(ctx context.Context, e mesh.Emitted) error {
	if _, stops := e.Action.(mesh.StopDaemon); stops {
		informing, cancel := context.WithTimeout(ctx, InformWithin-d.Now().Since(e.At))
		defer cancel()
		d.Control.WaitDelivered(informing, e.ID)
	}
	return d.Dispatcher.Dispatch(ctx, e)
}

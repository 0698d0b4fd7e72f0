package catalog

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// dispatchTimeout is for a caller without a deadline of its own.
const dispatchTimeout = time.Minute

// Actuator has a plugin carry out actions.
type Actuator struct{ slot *slot }

// Name is the plugin's, as configured.
func (a *Actuator) Name() string { return a.slot.entry.Name }

// Dispatch has an action carried out, and gives the events that came of it. It may
// take as long as ctx lasts, or the timeout of the plugin's entry if that has one.
// The error is a *NotReadyError or a *CallError; its RetryAfter is above 0 when the
// action can be tried again: the plugin said when, or never heard of it.
func (a *Actuator) Dispatch(ctx context.Context, id mesh.ActionID, action *meshosv1.Action) ([]Heard, error) {
	const method = "Actuator.Dispatch"
	var out []Heard
	err := a.slot.callWithin(ctx, a.timeout(ctx), method, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		answer, err := pluginv1.NewActuatorClient(conn).Dispatch(ctx, &pluginv1.DispatchRequest{
			ActionId: uint64(id), Action: action,
		})
		if err != nil {
			return err
		}
		good, bad := checkEvents(answer.GetEvents())
		a.slot.report(method, bad)
		out = good
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// timeout is how long one dispatch may take.
func (a *Actuator) timeout(ctx context.Context) time.Duration {
	if a.slot.entry.timed {
		return a.slot.entry.Timeout
	}
	if deadline, ok := ctx.Deadline(); ok {
		return max(time.Millisecond, time.Until(deadline))
	}
	return dispatchTimeout
}

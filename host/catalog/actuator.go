package catalog

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// dispatchTimeout is the time of a dispatch whose caller has no deadline.
const dispatchTimeout = time.Minute

// Actuator has a plugin carry out actions.
type Actuator struct{ adapter }

// Dispatch has an action carried out and returns the events that it led to. It may take
// as long as ctx lasts, or the timeout of the plugin's entry if that is set. The error is
// a *NotReadyError or a *CallError. Its RetryAfter is above 0 if the action can be tried
// again: either the plugin asked for that, or the action never reached it.
func (a *Actuator) Dispatch(ctx context.Context, id mesh.ActionID, action *meshosv1.Action) ([]answers.Event, error) {
	return ask(ctx, a.slot, a.timeout(ctx), "Actuator.Dispatch",
		func(ctx context.Context, conn grpc.ClientConnInterface) (*pluginv1.DispatchResponse, error) {
			return pluginv1.NewActuatorClient(conn).Dispatch(ctx, &pluginv1.DispatchRequest{
				ActionId: uint64(id), Action: action,
			})
		},
		func(answer *pluginv1.DispatchResponse) ([]answers.Event, answers.Discarded, error) {
			good, bad := answers.Events(answer.GetEvents(), a.slot.peers.current())
			return good, bad, nil
		})
}

// timeout returns how long one dispatch may take.
func (a *Actuator) timeout(ctx context.Context) time.Duration {
	if a.slot.entry().timed {
		return a.slot.entry().Timeout
	}
	if deadline, ok := ctx.Deadline(); ok {
		return max(time.Millisecond, time.Until(deadline))
	}
	return dispatchTimeout
}

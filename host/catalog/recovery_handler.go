package catalog

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// slotsNamed bounds how many recovered slots one line of the log names.
const slotsNamed = 20

// RecoveryHandler has a plugin place again what a failed placement left without a
// place.
type RecoveryHandler struct{ slot *slot }

// Name is the plugin's, as configured.
func (r *RecoveryHandler) Name() string { return r.slot.entry.Name }

// Recover runs one pass with the nodes that are healthy and gives the events that
// came of it, without what can't be true; the slots that were recovered go to the
// log. A signed commit can't come from here. The error is a *NotReadyError or a
// *CallError.
func (r *RecoveryHandler) Recover(ctx context.Context, healthy []mesh.NodeID) ([]mesh.Event, error) {
	const method = "RecoveryHandler.Recover"
	request := &pluginv1.RecoverRequest{HealthyNodes: make([]uint64, len(healthy))}
	for i, node := range healthy {
		request.HealthyNodes[i] = uint64(node)
	}
	var out []mesh.Event
	err := r.slot.poll(ctx, method, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		answer, err := pluginv1.NewRecoveryHandlerClient(conn).Recover(ctx, request)
		if err != nil {
			return err
		}
		events, bad := checkEvents(answer.GetEvents())
		good := make([]mesh.Event, 0, len(events))
		for _, heard := range events {
			if heard.Signed != nil {
				bad.add("signed commit, which only an event source may bring", "a signed commit")
				continue
			}
			good = append(good, heard.Event)
		}
		r.slot.report(method, bad)
		if slots := answer.GetRecoveredSlots(); len(slots) > 0 {
			r.slot.opts.Log(mesh.LevelInfo, r.slot.entry.Name, recovered(slots))
		}
		out = good
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// recovered says which slots have a place again.
func recovered(slots []uint32) string {
	named := slots[:min(len(slots), slotsNamed)]
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(named), " ", ", "), "[]")
	if more := len(slots) - len(named); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("recovered %d slots: %s", len(slots), text)
}

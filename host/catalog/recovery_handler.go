package catalog

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// slotsNamed bounds how many recovered slots one line of the log names.
const slotsNamed = 20

// RecoveryHandler has a plugin place again what a failed placement left without a node.
type RecoveryHandler struct{ adapter }

// Recover runs one pass with the healthy nodes and returns the events that it led to,
// without those that are malformed. It logs the slots that were recovered. The error is a *NotReadyError or a *CallError.
func (r *RecoveryHandler) Recover(ctx context.Context, healthy []mesh.NodeID) ([]answers.Event, error) {
	request := &pluginv1.RecoverRequest{HealthyNodes: make([]uint64, len(healthy))}
	for i, node := range healthy {
		request.HealthyNodes[i] = uint64(node)
	}
	return ask(ctx, r.slot, r.slot.pollTimeout(), "RecoveryHandler.Recover",
		func(ctx context.Context, conn grpc.ClientConnInterface) (*pluginv1.RecoverResponse, error) {
			return pluginv1.NewRecoveryHandlerClient(conn).Recover(ctx, request)
		},
		func(answer *pluginv1.RecoverResponse) ([]answers.Event, answers.Discarded, error) {
			if slots := answer.GetRecoveredSlots(); len(slots) > 0 {
				r.slot.opts.Log(mesh.LevelInfo, r.slot.entry().Name, recoveredText(slots))
			}
			good, bad := answers.Events(answer.GetEvents(), r.slot.peers.current())
			return good, bad, nil
		})
}

// recoveredText is the log line that names the recovered slots.
func recoveredText(slots []uint32) string {
	named := slots[:min(len(slots), slotsNamed)]
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(named), " ", ", "), "[]")
	if more := len(slots) - len(named); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("recovered %d slots: %s", len(slots), text)
}

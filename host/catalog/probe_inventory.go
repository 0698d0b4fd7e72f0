package catalog

import (
	"context"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// InventoryProbe asks a plugin for inventories of nodes.
type InventoryProbe struct{ slot *slot }

// Name is the plugin's, as configured.
func (p *InventoryProbe) Name() string { return p.slot.entry.Name }

// SampleInventory gives what the plugin knows now, without what can't be true. The
// error is a *NotReadyError or a *CallError.
func (p *InventoryProbe) SampleInventory(ctx context.Context) ([]mesh.Inventory, error) {
	const method = "InventoryProbe.SampleInventory"
	var out []mesh.Inventory
	err := p.slot.poll(ctx, method, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		answer, err := pluginv1.NewInventoryProbeClient(conn).SampleInventory(ctx, &pluginv1.SampleRequest{})
		if err != nil {
			return err
		}
		good, bad := checkInventory(answer, p.slot.peers.knownNow())
		p.slot.report(method, bad)
		out = good
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

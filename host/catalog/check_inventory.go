package catalog

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	capabilitiesMax = 1000 // of one node
	capabilityMax   = 256  // bytes of one, and of a software version
)

// checkInventory keeps the inventories that can be true. One of this node may be
// among them.
func checkInventory(in *pluginv1.InventorySamples, peers *peerSet) ([]mesh.Inventory, findings) {
	var bad findings
	out := make([]mesh.Inventory, 0, len(in.GetSamples()))
	seen := make(map[mesh.NodeID]struct{}, len(in.GetSamples()))
	for _, sample := range in.GetSamples() {
		inventory, err := wire.InventoryFromProto(sample)
		if err != nil {
			bad.add("malformed inventory", "peer %d: %v", sample.GetPeer(), err)
			continue
		}
		if lie := inventoryLie(inventory); lie != "" {
			bad.add(lie, "peer %d", inventory.Node)
			continue
		}
		if inventory.Node == peers.self {
			if _, twice := seen[peers.self]; twice {
				bad.add("peer twice in an answer", "peer %d", peers.self)
				continue
			}
			seen[peers.self] = struct{}{}
		} else if !about(inventory.Node, peers, seen, &bad) {
			continue
		}
		out = append(out, inventory)
	}
	return out, bad
}

// inventoryLie says what in an inventory can't be, or nothing. That numbers are
// finite was looked at before.
func inventoryLie(in mesh.Inventory) string {
	switch {
	case in.CPULoad1m != nil && *in.CPULoad1m < 0:
		return "negative load"
	case in.SaturationTrend != nil && (*in.SaturationTrend < -1 || *in.SaturationTrend > 1):
		return "saturation trend outside of -1 … 1"
	case above(in.MemUsedBytes, in.MemTotalBytes):
		return "more memory used than there is"
	case above(in.DiskUsedBytes, in.DiskTotalBytes):
		return "more disk used than there is"
	case len(in.Capabilities) > capabilitiesMax:
		return "too many capabilities"
	case in.SoftwareVersion != nil && len(*in.SoftwareVersion) > capabilityMax:
		return "software version too long"
	}
	for _, c := range in.Capabilities {
		if len(c) > capabilityMax {
			return "capability too long"
		}
	}
	return ""
}

func above(used, total *uint64) bool { return used != nil && total != nil && *used > *total }

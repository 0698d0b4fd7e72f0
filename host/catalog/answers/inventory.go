package answers

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	capabilitiesMax = 1000 // of one node
	capabilityMax   = 256  // bytes of one, and of a software version
)

// Inventory returns the inventories that can be true. One of this node may be among
// them.
func Inventory(in *pluginv1.InventorySamples, peers *Peers) ([]mesh.Inventory, Discarded) {
	var bad Discarded
	out := make([]mesh.Inventory, 0, len(in.GetSamples()))
	nodes := newSubjects(peers, len(in.GetSamples()))
	for _, sample := range in.GetSamples() {
		inventory, err := wire.InventoryFromProto(sample)
		if err != nil {
			bad.Add("malformed inventory", "peer %d: %v", sample.GetPeer(), err)
			continue
		}
		if reason := impossible(inventory); reason != "" {
			bad.Add(reason, "peer %d", inventory.Node)
			continue
		}
		good := false
		if inventory.Node == peers.self {
			good = nodes.first(inventory.Node, &bad)
		} else {
			good = nodes.take(inventory.Node, &bad)
		}
		if good {
			out = append(out, inventory)
		}
	}
	return out, bad
}

// impossible returns what in an inventory can't be true, or "". That its numbers are
// finite was checked before.
func impossible(in mesh.Inventory) string {
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

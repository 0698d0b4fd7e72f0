package main

import (
	"testing"

	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
)

func TestProcessDescribesThisNode(t *testing.T) {
	c := catalogtest.Start(t, "inventory-procfs", map[string]any{"tags": []any{"rack-7"}})
	probe, err := c.InventoryProbe("inventory-procfs")
	if err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "an inventory of this node", func() bool {
		answer, err := probe.SampleInventory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		samples := answer.Samples
		if len(samples) != 1 || samples[0].MemTotalBytes == nil || samples[0].CPULoad1m == nil {
			return false
		}
		tagged := false
		for _, c := range samples[0].Capabilities {
			tagged = tagged || c == "rack-7"
		}
		return samples[0].Node == 1 && *samples[0].MemTotalBytes > 0 && tagged
	})
}

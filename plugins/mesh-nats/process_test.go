package main

import (
	"testing"

	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
)

// Without the keys of a node, which a host gives to a mesh plugin only, the process says so.
func TestProcessNeedsAMeshHost(t *testing.T) {
	c := catalogtest.Run(t, "mesh-nats", map[string]any{"seeds": []any{"127.0.0.1:7420"}})
	testkit.Until(t, "it has started or said why not", func() bool { v := catalogtest.View(c); return v.Version == "1.0.0" || v.Message != "" })
}

package snapshot

import (
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// hereMost bounds how many orders Here names.
const hereMost = 16

// chainsMost is of how many chains at most Here looks at the orders: it is asked once a second.
const chainsMost = 10_000

// Here returns what was ordered at this node's own door and still holds, for people, while the
// log of a mesh says what holds for all nodes. It names 16 at most.
func (o *Orders) Here(this mesh.NodeID) (out []string) {
	if o.ofNode.MeshHeight == 0 {
		return nil
	}
	add := func(format string, args ...any) {
		if len(out) < hereMost {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	if o.ofNode.Frozen && o.ofNode.FrozenHere {
		add("frozen")
	}
	if l := o.ofNode.Local; l != nil {
		if l.Phase != mesh.PhaseActive && !l.By.Mesh {
			add("maintenance (%s)", l.By)
		}
		if (l.Draining || l.Drained) && !l.DrainBy.Mesh {
			add("drain (%s)", l.DrainBy)
		}
	}
	for n := range o.nodes.Values() {
		if n.Cordoned && !n.By.Mesh {
			add("cordon of node %d (%s)", n.Node, n.By)
		}
	}
	for d := range o.daemons.Values() {
		if d.Run != nil && !d.Run.By.Mesh {
			add("daemon %s (%s)", d.Daemon, d.Run.By)
		}
	}
	if o.replicas.Len() > chainsMost {
		return out
	}
	for _, c := range o.State().Chains {
		if c.Count != nil && !c.Count.By.Mesh {
			add("replicas of chain %d (%s)", c.Chain, c.Count.By)
		}
		if c.Hold != nil && !c.Hold.By.Mesh {
			add("replica of chain %d (%s)", c.Chain, c.Hold.By)
		}
	}
	return out
}

// InMesh reports whether the log of a mesh says what holds.
func (o *Orders) InMesh() bool { return o.ofNode.MeshHeight > 0 }

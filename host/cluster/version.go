package cluster

import (
	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// LogVersion is the newest version of entries that this version of meshos knows. A version that
// gives entries a new command or meaning raises it, and says below what needs it.
const LogVersion = 2

// Needs returns which version of entries a node has to know to fold one. A node that does not
// stops folding there, so nothing is ordered before all members know it.
func Needs(e *meshosv1.OrderedEntry) uint32 {
	if e.GetRecovery() != nil {
		return 2
	}
	return 1
}

// NeedsOf is Needs of a command.
func NeedsOf(ev mesh.AdminEvent) uint32 {
	switch ev.(type) {
	case mesh.Checkpoint, mesh.AcknowledgeRecovery:
		return 2
	}
	return 1
}

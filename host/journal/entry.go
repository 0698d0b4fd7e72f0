package journal

import (
	"math"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// MaxLine is how long a line of a journal may be, in bytes.
const MaxLine = 64 << 20

// Entry is one entry of a journal. Exactly one of Boot, Tick and Input is set.
type Entry struct {
	File string // where it stands
	Line int

	Index uint64
	At    mesh.Stamp
	Boot  *Boot
	Tick  *Tick
	Input mesh.Input
}

// Boot is the first entry: who the node was, and what it was configured to do.
type Boot struct {
	Node            mesh.NodeID
	Epoch           uint64
	ConfigTOML      string        // the effective configuration
	FreezeRemaining time.Duration // left of a freeze from before the restart; 0 for none

	config *config.Config // what ConfigTOML says; set in entries that were read
}

// Tick ends the inputs of one tick.
type Tick struct {
	Room int // free places in the action queue; AllRoom for as many as wanted
}

// AllRoom is the room of a queue that is never full.
const AllRoom = math.MaxInt

// state gives what the core begins with, as the host gives it to a node.
func (b *Boot) state(at mesh.Stamp) state.Boot {
	return state.Boot{
		At:              at,
		Node:            b.Node,
		NodeName:        b.config.Node.Name,
		Epoch:           b.Epoch,
		Policy:          b.config.Policy(),
		Desired:         b.config.Desired(),
		Operators:       b.config.Operators.Signers != "",
		AllowUnsigned:   b.config.Operators.AllowUnsigned,
		FreezeRemaining: b.FreezeRemaining,
	}
}

package journal

import (
	"math"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// MaxLine is the greatest length of a line in bytes.
const MaxLine = 64 << 20

// Entry is one entry of a journal. Exactly one of Boot, Tick and Input is set.
type Entry struct {
	File string // where the entry was read
	Line int

	Index uint64
	At    mesh.Stamp
	Boot  *Boot
	Tick  *Tick
	Input mesh.Input
}

// Boot is the first entry: which node it was, and how it was configured.
type Boot struct {
	Node            mesh.NodeID
	Epoch           uint64
	ConfigTOML      string        // the effective configuration
	FreezeRemaining time.Duration // what is left of a freeze from before the restart; 0 for none
	Orders          state.Orders  // what operators ordered before the restart

	config *config.Config // ConfigTOML, decoded; set in entries that were read
}

// Tick ends the inputs of one tick.
type Tick struct {
	Room  int  // how many actions the queue has room for; AllRoom if there is no limit
	Early bool // it did not wait for the next regular tick
}

// AllRoom is the Room of a queue that is never full.
const AllRoom = math.MaxInt

// state returns what the core begins with. It is the same as in a running node.
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
		Orders:          b.Orders,
	}
}

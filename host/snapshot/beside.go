package snapshot

import (
	"cmp"

	"github.com/meshos/meshos/host/mesh"
)

// Beside is what the host knows of the entries of the lists beside the core. It is kept apart
// from them since they are shared. Nothing in it may be written to once it is published.
type Beside struct {
	Daemons map[mesh.DaemonID]BesideDaemon
	// Unchecked are the peers whose health nothing checks, with the reason in words, and
	// Nameless those whose host name does not resolve.
	Unchecked, Nameless map[mesh.NodeID]string
	// Alarms say what is wrong with the log of other members of the mesh, for people.
	Alarms map[mesh.NodeID]string
}

// BesideDaemon is what the host knows of a daemon beside the core.
type BesideDaemon struct {
	Left  int      // processes that it left and that go on, or do not end
	Notes []string // for people
}

// reasons reports whether the host knows why the health of any peer is unknown.
func (b *Beside) reasons() bool { return len(b.Unchecked)+len(b.Nameless) > 0 }

// HealthReason returns in words why a peer is not healthy, or why its health is not known.
func (s *Snapshot) HealthReason(p *Peer) string {
	if p.Health == mesh.HealthUnknown && s.Beside.reasons() {
		return cmp.Or(s.Beside.Unchecked[p.Node], s.Beside.Nameless[p.Node])
	}
	return p.HealthReason
}

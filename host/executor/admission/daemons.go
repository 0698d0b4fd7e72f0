package admission

import (
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// daemons holds the gates of the daemons that crashed.
type daemons map[mesh.DaemonID]gate

type gate struct {
	until mesh.Time
	by    mesh.ActionID // closed for what was handed out before this action; 0: for everything
}

func (d daemons) decide(id mesh.ActionID, daemon mesh.DaemonRef, now mesh.Time) Decision {
	g, closed := d[daemon.ID]
	if !closed || g.until <= now || (g.by != 0 && id > g.by) {
		return Decision{Verdict: Admit}
	}
	left := g.until.Sub(now)
	return Decision{
		Verdict: Gate, After: left,
		Reason: fmt.Sprintf("%s: daemon %s is held back for another %d ms", daemonBackoff, daemon, left.Milliseconds()),
	}
}

// expire forgets the gates that are open again.
func (d daemons) expire(now mesh.Time) {
	for daemon, g := range d {
		if g.until <= now {
			delete(d, daemon)
		}
	}
}

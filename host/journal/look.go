package journal

import "github.com/meshos/meshos/host/state"

// State gives the state of the node after what was replayed, to look at and not to
// change; nil before Boot. The next step of the replay changes it.
func (p *Replay) State() *state.State { return p.core }

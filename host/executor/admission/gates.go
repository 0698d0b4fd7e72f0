package admission

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Policy limits how fast actions are admitted.
type Policy struct {
	// PullCooldown is how long after one pull the next is admitted, of any chain.
	PullCooldown time.Duration
	// Stabilization is how long after a pull or a drop of a chain the next one of it is
	// admitted.
	Stabilization time.Duration
	// DrainRate is how many migrations of blobs are admitted within a second. With 0
	// none ever is.
	DrainRate int
}

// Gates holds everything that may keep an action back. Make one with New.
type Gates struct {
	policy  Policy
	chains  chains
	pull    slot
	daemons daemons
	drain   window
}

// New makes gates that are all open.
func New(p Policy) *Gates {
	return &Gates{policy: p, chains: newChains(), daemons: make(daemons), drain: window{rate: p.DrainRate}}
}

// Decide returns what to do with an action now. If that is Admit, the action has taken
// what it needs of slots, windows and rates; otherwise it has taken nothing.
func (g *Gates) Decide(e mesh.Emitted, now mesh.Time) Decision {
	g.expire(now)
	switch a := e.Action.(type) {
	case mesh.PullReplica:
		return g.decidePull(e.ID, a.Chain, now)
	case mesh.DropReplica:
		if d, blocked := g.chains.blocks(a.Chain, now); blocked {
			return d
		}
		g.chains.settle(a.Chain, e.ID, after(now, g.policy.Stabilization))
	case mesh.StartDaemon:
		return g.daemons.decide(e.ID, a.Daemon, now)
	case mesh.StopDaemon:
		return g.daemons.decide(e.ID, a.Daemon, now)
	case mesh.ApplyBackoff:
		return g.daemons.decide(e.ID, a.Daemon, now)
	case mesh.MigrateBlob:
		return g.drain.decide(e.ID, now)
	}
	return Decision{Verdict: Admit}
}

// decidePull decides on a pull: by the chain first, then by the pull slot.
func (g *Gates) decidePull(id mesh.ActionID, chain mesh.ChainID, now mesh.Time) Decision {
	if d, blocked := g.chains.blocks(chain, now); blocked {
		return d
	}
	if g.pull.opens > now {
		return Decision{
			Verdict: Defer, After: g.pull.opens.Sub(now), Slot: true,
			Reason: fmt.Sprintf("another pull began less than pull_cooldown (%v) ago", g.policy.PullCooldown),
		}
	}
	g.pull = slot{owner: id, opens: after(now, g.policy.PullCooldown)}
	g.chains.settle(chain, id, after(now, g.policy.Stabilization))
	return Decision{Verdict: Admit}
}

// RollBack gives back what an admitted action took, since its try failed. What another
// action took meanwhile stays taken, and rolling back an action that was not admitted
// changes nothing.
func (g *Gates) RollBack(e mesh.Emitted) {
	switch a := e.Action.(type) {
	case mesh.PullReplica:
		if g.pull.owner == e.ID {
			g.pull = slot{}
		}
		g.chains.release(a.Chain, e.ID)
	case mesh.DropReplica:
		g.chains.release(a.Chain, e.ID)
	case mesh.MigrateBlob:
		g.drain.release(e.ID)
	}
}

// CloseDaemon closes the gate of a daemon until a time, because the action by was
// carried out. It is closed for actions that were handed out before by. When the core
// handed out a later one, it knew that the gate was closed, and opened it for a forced
// restart. With by 0 the gate is closed for all actions.
func (g *Gates) CloseDaemon(daemon mesh.DaemonID, until mesh.Time, by mesh.ActionID) {
	g.daemons[daemon] = gate{until: until, by: by}
}

// PullOpens returns when the next pull may begin: at once if that is not after now.
func (g *Gates) PullOpens() mesh.Time { return g.pull.opens }

// expire forgets what is over.
func (g *Gates) expire(now mesh.Time) {
	g.chains.expire(now)
	g.daemons.expire(now)
	g.drain.expire(now)
}

// slot is taken by one pull at a time. The zero slot is free.
type slot struct {
	owner mesh.ActionID
	opens mesh.Time
}

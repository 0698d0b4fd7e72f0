package admission

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Policy says how fast actions may leave.
type Policy struct {
	// PullCooldown is how long after one pull the next may begin, of any chain.
	PullCooldown time.Duration
	// Stabilization is how long a chain is left alone after a pull or a drop of it
	// was admitted.
	Stabilization time.Duration
	// DrainRate is how many blobs may be sent on their way within a second. With 0
	// none ever is.
	DrainRate int
}

// Gates is everything that may keep an action back. Only New makes one.
type Gates struct {
	policy  Policy
	chains  chains
	pull    slot
	daemons daemons
	drain   window
}

// New gives gates that are all open.
func New(p Policy) *Gates {
	return &Gates{policy: p, chains: newChains(), daemons: make(daemons), drain: window{rate: p.DrainRate}}
}

// Decide says what to do with an action now. After Admit everything that it uses
// up is taken in its name; after any other verdict nothing is.
func (g *Gates) Decide(e mesh.Emitted, now mesh.Time) Decision {
	g.Tick(now)
	switch a := e.Action.(type) {
	case mesh.PullReplica:
		return g.decidePull(e.ID, a.Chain, now)
	case mesh.DropReplica:
		if d, blocked := g.chains.blocks(a.Chain, now); blocked {
			return d
		}
		g.chains.take(a.Chain, e.ID, after(now, g.policy.Stabilization))
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

// decidePull asks the chain first: of two that block, the first decides.
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
	g.chains.take(chain, id, after(now, g.policy.Stabilization))
	return Decision{Verdict: Admit}
}

// RollBack takes back what an admitted action used up, since its try failed. What
// another action took in the meantime stays taken, so it does no harm to roll back
// one that was not admitted.
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
// carried out. It is closed for what was handed out before by: what was handed out
// later was decided by somebody who knew that the gate is closed, and opened it
// (a forced restart). With by 0 it is closed for everything.
func (g *Gates) CloseDaemon(daemon mesh.DaemonID, until mesh.Time, by mesh.ActionID) {
	g.daemons[daemon] = gate{until: until, by: by}
}

// PullOpens gives when the next pull may begin; a time that is not after now says
// at once.
func (g *Gates) PullOpens() mesh.Time { return g.pull.opens }

// Tick forgets what is over. Decide does that too.
func (g *Gates) Tick(now mesh.Time) {
	g.chains.tick(now)
	g.daemons.tick(now)
	g.drain.tick(now)
}

// slot is the place of the one pull that may begin. The zero slot is free.
type slot struct {
	owner mesh.ActionID
	opens mesh.Time
}

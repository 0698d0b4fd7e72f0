package reconcile

import (
	"fmt"
	"strings"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// ExplainChain explains, arm by arm, why this node pulls, drops, places, evicts, moves or hands over
// a chain, or why it does not.
func ExplainChain(s *state.State, id mesh.ChainID) Explanation {
	c, ok := s.Chain(id)
	if !ok {
		return unknown("chain", uint64(id))
	}
	e := newExplainer(s, fmt.Sprintf("chain %d", id), id)
	e.say("state", "held by %s; live: %s", list(c.Holders), list(s.LiveHolders(c)))
	if why := Crowded(s, c); why != "" {
		e.say("spread", "%s", why)
	}
	e.forced(c)
	e.local(c)
	if e.d.leads(c) {
		e.count(c)
		e.moves(c)
		e.leader(c)
	} else if c.Leader == 0 {
		e.say("replica count", "no leader is known, so no node places or evicts it")
	} else {
		e.say("replica count", "node %d leads it and decides about placements and evictions", c.Leader)
	}
	e.keys(mesh.PullReplica{Chain: id}.Key(), mesh.DropReplica{Chain: id}.Key(),
		mesh.RequestPlacement{Chain: id}.Key(), mesh.RequestEviction{Chain: id}.Key(), mesh.TransferLeader{Chain: id}.Key())
	return e.out
}

func (e *explainer) forced(c state.Chain) {
	for _, o := range e.s.Forced() {
		if o.Chain != c.ID {
			continue
		}
		what := fmt.Sprintf("eviction from node %d", o.Node)
		if o.Place {
			what = fmt.Sprintf("placement on node %d", o.Node)
		}
		e.say("forced orders", "a forced %s waits and will be given up in %s", what, round(e.s.Now().Until(o.Until)))
	}
}

func (e *explainer) local(c state.Chain) {
	const arm = "local replicas"
	held := c.HeldBy(e.s.Node())
	others := len(e.d.othersLive(c))
	switch {
	case held && e.s.GivesUpReplicas() && others < c.Required():
		e.say(arm, "this node hands over its replicas, but keeps this one until %d other live nodes hold it; %d do", c.Required(), others)
	case held && c.Hold == mesh.HoldDrop && others < c.Required():
		e.say(arm, "this node should drop it, but %d other live nodes must hold it first; %d do", c.Required(), others)
	case held && (e.s.GivesUpReplicas() || c.Hold == mesh.HoldDrop):
		e.say(arm, "this node drops it: %d other live nodes hold it, %d are wanted", others, c.Required())
	case !held && c.Hold == mesh.HoldKeep && !e.s.MayPull():
		e.say(arm, "this node should hold it, but pulls nothing while it is in maintenance, drained or coming back")
	case !held && c.Hold == mesh.HoldKeep:
		if source, ok := e.s.NearestHolder(c); ok {
			e.say(arm, "this node should hold it and pulls it from node %d", source)
		} else {
			e.say(arm, "this node should hold it, but no live node has it to pull from")
		}
	case held:
		e.say(arm, "this node holds it, and nothing says that it should not")
	default:
		e.say(arm, "this node does not hold it, and nothing says that it should")
	}
}

func (e *explainer) count(c state.Chain) {
	const arm = "replica count"
	live := e.s.LiveHolders(c)
	var staying []mesh.NodeID
	for _, n := range live {
		if !e.s.Leaving(n) {
			staying = append(staying, n)
		}
	}
	switch {
	case e.d.short(c) && !e.d.mayPlace(c):
		e.say(arm, "%d of %d wanted holders are live and stay, but this node asks for placements only while it is Active", len(staying), c.Required())
	case e.d.short(c):
		e.say(arm, "%d of %d wanted holders are live and stay (%s), so a placement is asked for%s", len(staying), c.Required(), list(staying), e.where(c))
	case !c.HasDesired:
		e.say(arm, "no number of replicas is set for it")
	case len(live) > c.Required():
		what := "that is too many, so one is evicted"
		if _, moving := e.s.Rebalancing(c.ID); moving {
			what = "the move that is under way will evict one"
		}
		e.say(arm, "%d live holders, %d wanted: %s", len(live), c.Required(), what)
	default:
		e.say(arm, "%d live holders, %d wanted: nothing to do", len(live), c.Required())
	}
}

// where returns where a placement goes because of the label over which a chain is spread.
func (e *explainer) where(c state.Chain) string {
	n := e.d.spreadTarget(c)
	if n == 0 {
		return ""
	}
	value := e.d.labelOf(c, n)
	if value == "" {
		return fmt.Sprintf(" on node %d, which has no label %s, like all that may be given replicas", n, c.Spread)
	}
	return fmt.Sprintf(" on node %d: %s %s has %d of its holders, and no other %s has fewer that has a node for it",
		n, c.Spread, value, e.d.crowds(c)[value], c.Spread)
}

func (e *explainer) moves(c state.Chain) {
	const arm = "rebalance"
	if m, moving := e.s.Rebalancing(c.ID); moving {
		step := fmt.Sprintf("until node %d holds it", m.Target)
		if c.HeldBy(m.Target) {
			step = fmt.Sprintf("until node %d no longer holds it", m.Worst)
		}
		e.say(arm, "it is being moved from node %d to node %d; waiting %s", m.Worst, m.Target, step)
		return
	}
	p := e.s.Policy()
	worst, score, ok := e.d.worstHolder(c)
	ago, cooling := e.s.SinceMove(c.ID)
	switch {
	case cooling:
		e.say(arm, "it was moved %s ago; it is not moved again for another %s", round(ago), round(p.RebalanceCooldown-ago))
		return
	case !e.s.Active():
		e.say(arm, "this node begins moves only while it is Active")
		return
	case !e.s.ScoresUsable():
		e.say(arm, "there is no recent table of scores")
		return
	case len(e.s.LiveHolders(c)) < c.Required():
		e.say(arm, "it is not moved until %d live nodes hold it", c.Required())
		return
	case !ok:
		e.say(arm, "no holder except the leader has a score that may be used now")
		return
	case score >= p.ScoreFloor:
		e.say(arm, "the worst holder, node %d, scores %.2f, not below %.2f", worst, score, p.ScoreFloor)
		return
	}
	best, cost, ok := e.s.Alternative(c.ID)
	switch gain := best.Score - score; {
	case !ok:
		e.say(arm, "node %d scores %.2f, below %.2f, but there is no alternative", worst, score, p.ScoreFloor)
	case c.HeldBy(best.Node):
		e.say(arm, "node %d scores %.2f, but node %d, the alternative, holds it already", worst, score, best.Node)
	case !e.s.MayHost(best.Node):
		e.say(arm, "node %d scores %.2f, but node %d may not be given replicas now", worst, score, best.Node)
	case gain <= p.HysteresisGap:
		e.say(arm, "moving from node %d to node %d gains %.2f, which must be more than %.2f", worst, best.Node, gain, p.HysteresisGap)
	case gain <= cost:
		e.say(arm, "moving from node %d to node %d gains %.2f and costs %.2f", worst, best.Node, gain, cost)
	default:
		e.say(arm, "moving from node %d to node %d gains %.2f and costs %.2f: worth it", worst, best.Node, gain, cost)
	}
}

func list(ns []mesh.NodeID) string {
	if len(ns) == 0 {
		return "no node"
	}
	var out []string
	for _, n := range ns {
		out = append(out, fmt.Sprintf("node %d", n))
	}
	return strings.Join(out, ", ")
}

package reconcile

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// leader explains why this node hands the lead of a chain over, or does not. It says nothing of a
// chain whose engine does not say which holders have all of it: such a chain keeps its leader.
func (e *explainer) leader(c state.Chain) {
	const arm = "leader"
	if !c.AnyCurrent() {
		return
	}
	gap := e.s.Policy().HysteresisGap
	if why := e.d.keepsLead(c); why != "" {
		if ago, cooling := e.s.SinceLed(c.ID); cooling {
			e.say(arm, "this node leads it; it got another leader %s ago and is not handed over for another %s",
				round(ago), round(e.s.Policy().RebalanceCooldown-ago))
			return
		}
		e.say(arm, "this node leads it and keeps it: %s", why)
		return
	}
	e.candidates(c)
	to, even, ok := e.d.successor(c)
	switch {
	case ok && e.d.underWay(c.ID):
		e.say(arm, "it will be handed over to node %d once what is under way about its holders has ended", to)
	case ok && even:
		led, _ := e.s.LedBy(to)
		waits := ""
		if !e.s.MayTransfer(mesh.TransferLeader{Chain: c.ID, To: to}, true) {
			waits = ", after others: few are handed over at once"
		}
		e.say(arm, "it is handed over to node %d, which is as good and leads %d chains; this node leads %d%s", to, led, e.s.LedHere(), waits)
	case ok:
		best, gain, _ := e.d.bestLeader(c)
		e.say(arm, "it is handed over to node %d, which scores %.2f more than this node; more than %.2f is needed", best, gain, gap)
	default:
		best, gain, has := e.d.bestLeader(c)
		if !has {
			e.say(arm, "this node leads it: there is no recent score of another holder that may lead it, and none leads clearly fewer chains than the %d led here", e.s.LedHere())
			return
		}
		e.say(arm, "this node leads it: node %d, the best of the others, gains %+.2f, which must be more than %.2f, and no holder that is as good leads clearly fewer chains than the %d led here",
			best, gain, gap, e.s.LedHere())
	}
}

// candidates says of each other holder why it may not lead.
func (e *explainer) candidates(c state.Chain) {
	for _, n := range c.Holders {
		if n == e.s.Node() || e.d.mayLead(c, n) {
			continue
		}
		why := "it is cordoned, drained, avoided, not reached or not Active"
		switch {
		case !c.Current(n):
			why = "its replica does not have all of it now"
		case !e.d.counts(c, n):
			why = "it is lost, or gives its replica up"
		}
		e.say("leader", "node %d may not lead it: %s", n, why)
	}
}

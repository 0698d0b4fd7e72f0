package reconcile

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// by returns " by IPv6", "" if it is not known.
func by(f mesh.Family) string {
	if !f.Known() {
		return ""
	}
	return " by " + f.String()
}

// locality adds how far away a peer is, how it answers echoes, and what that leads to.
func (e *explainer) locality(p state.Peer) {
	const arm = "locality"
	policy := e.s.Policy()
	limit := policy.DegradedRTT
	rtt := published(p)
	if rtt == 0 && p.HasRTT {
		rtt = p.RTT
	}
	switch {
	case p.ID == e.s.Node():
		e.say(arm, "it is this node, which has no round-trip time to itself")
	case rtt == 0 && p.Echoes.Reason != "":
		e.say(arm, "its round-trip time is not known: %s", p.Echoes.Reason)
	case rtt == 0:
		e.say(arm, "its round-trip time is not known")
	case rtt > limit:
		e.say(arm, "its round-trip time %s%s is above %s", rtt, by(p.Echoes.Family), limit)
	default:
		e.say(arm, "its round-trip time %s%s is not above %s", rtt, by(p.Echoes.Family), limit)
	}
	if p.Echoes.Sent > 0 {
		late := ""
		if p.Echoes.Late > 0 {
			late = fmt.Sprintf(" in time and %d late", p.Echoes.Late)
		}
		if p.Echoes.Received > 1 {
			late += fmt.Sprintf(", with a jitter of %s", p.Echoes.Jitter.Round(time.Microsecond))
		}
		e.say(arm, "%d of its last %d echoes were answered%s", p.Echoes.Received, p.Echoes.Sent, late)
	}
	if p.Echoes.NoAnswer.NothingSent() {
		e.say(arm, "nothing was sent to it, which says nothing about it")
	}
	since := round(e.s.Now().Since(p.EchoSince))
	switch p.Echo {
	case state.EchoDegraded:
		e.say(arm, "probes have found it degraded for %s: %s", since, p.EchoReason(policy))
	case state.EchoLost:
		e.say(arm, "it has been lost for %s: %s", since, p.EchoReason(policy))
	case state.EchoSilent:
		e.say(arm, "it does not answer echoes and never did, but its health checks: echoes may be filtered on the way, so it is not avoided for that")
	}
	if c, cut := e.s.CutOff(); cut && p.Echo == state.EchoLost {
		e.say(arm, "%d of %d peers were lost within 10 s: this node may be the one that is cut off", c.Lost, c.Peers)
	}
}

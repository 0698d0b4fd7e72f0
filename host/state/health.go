package state

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// verdict is what one probe says of the health of a peer, or an event.
type verdict struct {
	health mesh.NodeHealth
	family mesh.Family
	reason string
	from   origin
}

// renewHealth takes over a verdict that the probe has said before, and reports whether it was
// one.
func (p *peer) renewHealth(ev mesh.HealthSample, from origin) bool {
	for i := range p.verdicts {
		if v := &p.verdicts[i]; v.from.probed == from.probed && v.from.probe == from.probe {
			if v.health != ev.Health || v.reason != ev.Reason {
				return false
			}
			v.from = from
			return true
		}
	}
	return false
}

// judgeHealth takes over a verdict. That of an event holds until somebody says otherwise; of
// probes each has its own.
func (p *peer) judgeHealth(ev mesh.HealthSample, from origin, now mesh.Time) {
	next := verdict{ev.Health, ev.Family, ev.Reason, from}
	if !from.probed {
		p.verdicts = p.verdicts[:0]
	}
	p.verdicts = slices.DeleteFunc(p.verdicts, func(v verdict) bool { return !v.from.probed })
	if i := slices.IndexFunc(p.verdicts, func(v verdict) bool { return v.from.of(from) }); i >= 0 {
		p.verdicts[i] = next
	} else {
		p.verdicts = append(p.verdicts, next)
	}
	p.settleHealth(now)
}

// verdictBy reports whether a probe said anything of the health.
func (p *peer) verdictBy(probe probe) bool {
	return slices.ContainsFunc(p.verdicts, func(v verdict) bool { return v.from.probed && v.from.probe == probe })
}

// settleHealth makes the worst verdict the health of the peer: what one probe reaches does not
// make up for what another does not.
func (p *peer) settleHealth(now mesh.Time) {
	var worst verdict
	for _, v := range p.verdicts {
		if v.health > worst.health {
			worst = v
		}
	}
	if p.health != worst.health {
		p.healthSince = now
	}
	p.health, p.healthReason, p.healthFamily = worst.health, worst.reason, worst.family
}

// dropHealth drops the verdicts whose origin is over, and reports whether there were any.
func (p *peer) dropHealth(over func(origin) bool, now mesh.Time) bool {
	n := len(p.verdicts)
	p.verdicts = slices.DeleteFunc(p.verdicts, func(v verdict) bool { return over(v.from) })
	if len(p.verdicts) == n {
		return false
	}
	p.settleHealth(now)
	return true
}

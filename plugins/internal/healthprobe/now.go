package healthprobe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

// ProbeNow implements pluginsdk.NowProber: it makes one attempt, which changes no verdict.
// The health is that of this attempt alone, without the policy for several.
func (p *Prober) ProbeNow(ctx context.Context, peer pluginsdk.Peer, _ pluginsdk.ProbeRequest) (pluginsdk.ProbeResult, error) {
	if !p.checks(peer) {
		return pluginsdk.ProbeResult{}, pluginsdk.FailedPrecondition(errors.New("the peer has no health target that this plugin checks"))
	}
	ctx, cancel := context.WithTimeout(ctx, p.set.Timeout)
	defer cancel()
	p.mu.Lock()
	last := ""
	if t := p.targets[peer.ID]; t != nil && t.address == peer.HealthTarget {
		last = t.last
	}
	p.mu.Unlock()
	a := p.try(ctx, peer.HealthTarget, last)
	health := &pluginsdk.HealthSample{Peer: peer.ID, Health: pluginsdk.Healthy}
	out := pluginsdk.ProbeResult{Health: health}
	reason, ours := Reason(a.Err)
	switch {
	case ours:
		return pluginsdk.ProbeResult{}, pluginsdk.Unavailable(a.Err)
	case a.Err != nil:
		health.Health, health.Reason = pluginsdk.Unreachable, reason
		if full := a.Err.Error(); full != reason {
			out.Details = append(out.Details, pluginsdk.ProbeDetail{Name: "error", Value: full})
		}
		return out, nil
	case a.Doubt != "":
		health.Health, health.Reason = pluginsdk.Degraded, a.Doubt
	case a.Took > p.set.DegradedAfter:
		health.Health, health.Reason = pluginsdk.Degraded, fmt.Sprintf("slower than %v", p.set.DegradedAfter)
	}
	out.Details = []pluginsdk.ProbeDetail{
		{Name: "took", Value: a.Took.Round(time.Microsecond).String()},
		{Name: "connected to", Value: a.Remote},
	}
	return out, nil
}

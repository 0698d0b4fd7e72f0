package healthprobe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/meshos/meshos/plugins/internal/families"
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
	known, lookedUp := peer.Addresses.Of(hostOf(peer.HealthTarget))
	switch {
	case lookedUp && known.Lookup == pluginsdk.LookupPending:
		return pluginsdk.ProbeResult{}, pluginsdk.Unavailable(fmt.Errorf("the name %s is being looked up; ask again", known.Host))
	case lookedUp && len(known.IPs) == 0:
		return pluginsdk.ProbeResult{}, pluginsdk.Unavailable(fmt.Errorf("nothing was sent: %s: %s", known.Host, known.Error))
	}
	via := Route{Addresses: families.Candidates(known.IPs)}
	p.mu.Lock()
	if t := p.targets[peer.ID]; t != nil && t.address == peer.HealthTarget {
		via = Route{Addresses: t.choice.Order(), Last: t.last}
	}
	p.mu.Unlock()
	a, each := p.tryEach(ctx, peer.HealthTarget, via)
	health := &pluginsdk.HealthSample{Peer: peer.ID, Health: pluginsdk.Healthy}
	out := pluginsdk.ProbeResult{Health: health, Details: each}
	if remote, err := netip.ParseAddrPort(a.Remote); err == nil {
		health.Family = pluginsdk.FamilyOf(remote.Addr())
	}
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
	out.Details = append([]pluginsdk.ProbeDetail{
		{Name: "took", Value: a.Took.Round(time.Microsecond).String()},
		{Name: "connected to", Value: a.Remote},
	}, each...)
	return out, nil
}

// tryEach attempts a target as usual, and beside that each of its addresses alone if there are
// several: how they answer is what an operator wants to know who asks.
func (p *Prober) tryEach(ctx context.Context, target string, via Route) (Attempt, []pluginsdk.ProbeDetail) {
	if len(via.Addresses) < 2 {
		return p.try(ctx, target, via), nil
	}
	details := make([]pluginsdk.ProbeDetail, len(via.Addresses))
	var all sync.WaitGroup
	for i, ip := range via.Addresses {
		all.Go(func() {
			a := p.try(ctx, target, Route{Addresses: []netip.Addr{ip}})
			words, _ := Reason(a.Err)
			if a.Err == nil {
				words = "answers in " + a.Took.Round(time.Microsecond).String()
			}
			details[i] = pluginsdk.ProbeDetail{Name: pluginsdk.FamilyOf(ip).String(), Value: ip.String() + ": " + words}
		})
	}
	a := p.try(ctx, target, via)
	all.Wait()
	return a, details
}

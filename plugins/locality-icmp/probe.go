package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk"
)

// probe is one configured instance: a resolver that feeds a pinger.
type probe struct {
	pinger   *Pinger
	resolver *resolver
	links    [families]*link
	log      hclog.Logger

	dontFragment bool // echoes
}

// newProbe opens the sockets. One family is enough; that the other can't be used is logged
// only when a peer needs it. Without any, the error is Unavailable, because a retry
// succeeds once the system grants a socket.
func newProbe(env pluginsdk.Env, cfg config) (*probe, error) {
	var links [families]*link
	var unusable [families]error
	for f := range families {
		links[f], unusable[f] = openLink(f)
	}
	if links[familyV4] == nil && links[familyV6] == nil {
		if why := (*PermissionError)(nil); errors.As(unusable[familyV4], &why) {
			return nil, pluginsdk.Unavailable(why) // the remedies are the same for both families
		}
		return nil, pluginsdk.Unavailable(errors.Join(unusable[:]...))
	}
	for _, l := range links {
		if l == nil {
			continue
		}
		env.Log.Debug("socket open", "family", l.family, "kind", l.mode())
		if cfg.DF {
			if err := l.forbidFragments(); err != nil {
				return nil, errors.Join(fmt.Errorf("dont_fragment: forbid fragments of %s: %w", l.family, err), closeAll(links))
			}
		}
	}
	return assemble(cfg, links, unusable, lookupHost, env.Log), nil
}

// assemble builds a probe over open links.
func assemble(cfg config, links [families]*link, unusable [families]error, lookup lookupFunc, log hclog.Logger) *probe {
	pinger := newPinger(cfg.settings(), links, log)
	return &probe{
		pinger:   pinger,
		resolver: newResolver(lookup, time.Duration(cfg.Resolve), unusable, pinger.SetTargets, log),
		links:    links,
		log:      log,

		dontFragment: cfg.DF,
	}
}

func lookupHost(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// SetPeers replaces the peers that are pinged.
func (p *probe) SetPeers(peers []pluginsdk.Peer) { p.resolver.SetPeers(peers) }

// SampleRTT returns at once what each peer's last rounds measured, or why there is nothing.
// The answer is complete once that is known of every peer that has an address.
func (p *probe) SampleRTT(ctx context.Context, peers []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
	samples, complete := make([]pluginsdk.RTTSample, 0, len(peers)), true
	for _, peer := range peers {
		if peer.Address == "" {
			continue
		}
		if sample, ok := p.pinger.sample(peer.ID, peer.Address); ok {
			samples = append(samples, sample)
		} else if f := p.resolver.of(peer); f.trouble.why != "" {
			samples = append(samples, pluginsdk.RTTSample{Peer: peer.ID, NoAnswer: f.trouble.noAnswer(), Reason: f.trouble.why})
		} else {
			complete = false
		}
	}
	if complete {
		pluginsdk.Complete(ctx)
	}
	return samples, nil
}

// noAnswer returns what a trouble is: either the name does not exist, or nothing is sent because
// this machine can't find out or use its address.
func (t trouble) noAnswer() pluginsdk.NoAnswer {
	if t.gone {
		return pluginsdk.NoAnswerNoSuchName
	}
	return pluginsdk.NoAnswerNotSent
}

// Run pings and resolves until ctx ends.
func (p *probe) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	resolving := make(chan struct{})
	go func() {
		defer close(resolving)
		p.resolver.Run(ctx)
	}()
	err := p.pinger.Run(ctx)
	cancel()
	<-resolving
	return err
}

// Close closes the sockets. It is called after Run has returned.
func (p *probe) Close() error { return closeAll(p.links) }

func closeAll(links [families]*link) error {
	var errs []error
	for _, l := range links {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk"
)

// ProbeNow implements pluginsdk.NowProber: it makes one round for a peer, on a socket of its
// own, and searches for the MTU of the path if it is asked to.
func (p *probe) ProbeNow(ctx context.Context, peer pluginsdk.Peer, ask pluginsdk.ProbeRequest) (pluginsdk.ProbeResult, error) {
	if peer.Address == "" {
		return pluginsdk.ProbeResult{}, pluginsdk.FailedPrecondition(errors.New("the peer has no address"))
	}
	f := p.resolver.of(peer)
	if why := f.trouble.why; why != "" && len(f.addrs) == 0 {
		return pluginsdk.ProbeResult{RTT: &pluginsdk.RTTSample{Peer: peer.ID, NoAnswer: f.trouble.noAnswer(), Reason: why}}, nil
	}
	if len(f.addrs) == 0 {
		return pluginsdk.ProbeResult{}, pluginsdk.Unavailable(fmt.Errorf("the name %s is being looked up; ask again", peer.Address))
	}
	to, sample, each, err := p.roundOfEach(ctx, peer, f.addrs)
	if err != nil {
		return pluginsdk.ProbeResult{}, err
	}
	out := pluginsdk.ProbeResult{RTT: &sample, Details: append([]pluginsdk.ProbeDetail{
		{Name: "address", Value: to.addr.String()},
		{Name: "echoes", Value: fmt.Sprintf("%d of %d bytes of data", p.pinger.set.count, p.pinger.set.size)},
	}, each...)}
	if ask.PathMTU {
		found := p.pathMTU(ctx, to)
		out.PathMTU = &found
	}
	return out, nil
}

// roundOfEach makes a round for each address of a peer, at the same time. It returns the one
// that the probe uses if it answered, else the first that did; and what each of several found.
func (p *probe) roundOfEach(ctx context.Context, peer pluginsdk.Peer, addrs []netip.Addr) (to target, sample pluginsdk.RTTSample, each []pluginsdk.ProbeDetail, err error) {
	samples, errs := make([]pluginsdk.RTTSample, len(addrs)), make([]error, len(addrs))
	targets := make([]target, len(addrs))
	var all sync.WaitGroup
	for i, addr := range addrs {
		targets[i] = target{peer: peer.ID, address: peer.Address, addr: addr}
		all.Go(func() {
			samples[i], errs[i] = single{settings: p.pinger.set, dontFragment: p.dontFragment}.ping(ctx, targets[i])
		})
	}
	all.Wait()
	at := max(0, slices.Index(addrs, p.pinger.used(peer.ID)))
	for i := range addrs {
		if answered := errs[i] == nil && samples[i].RTT > 0; answered && (errs[at] != nil || samples[at].RTT == 0) {
			at = i
		}
	}
	if len(addrs) > 1 {
		for i, addr := range addrs {
			words := samples[i].Reason
			switch {
			case errs[i] != nil:
				words = errs[i].Error()
			case samples[i].RTT > 0:
				words = fmt.Sprintf("%s, %d of %d answered", samples[i].RTT.Round(time.Microsecond), samples[i].Received, samples[i].Sent)
			}
			each = append(each, pluginsdk.ProbeDetail{Name: pluginsdk.FamilyOf(addr).String(), Value: addr.String() + ": " + words})
		}
	}
	return targets[at], samples[at], each, errs[at]
}

// single is one round for one target on a socket of its own.
type single struct {
	settings
	dontFragment bool
	hasty        bool // the first answer, error or refusal to send is enough
}

// lookEvery is how often a single round is looked at.
const lookEvery = 2 * time.Millisecond

// ping makes the round and returns what it found. The error means that there was no round.
func (s single) ping(ctx context.Context, to target) (sample pluginsdk.RTTSample, err error) {
	l, err := openLink(to.family())
	if err != nil {
		return sample, pluginsdk.Unavailable(err)
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if s.dontFragment {
		if err := l.forbidFragments(); err != nil {
			return sample, fmt.Errorf("forbid fragments of %s: %w", to.family(), err)
		}
	}
	var links [families]*link
	links[to.family()] = l
	s.interval = time.Hour // there is no second round
	pinger := newPinger(s.settings, links, hclog.NewNullLogger())
	pinger.SetTargets([]target{to})
	ctx, cancel := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- pinger.Run(ctx) }()
	defer func() {
		cancel()
		if broken := <-ran; err == nil && broken != nil {
			err = pluginsdk.Unavailable(broken)
		}
	}()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if sample, done := pinger.sample(to.peer, to.address); done {
			return sample, nil
		}
		if sample, done := pinger.early(to.peer); s.hasty && done {
			return sample, nil
		}
		select {
		case <-ctx.Done():
			return sample, pluginsdk.Unavailable(fmt.Errorf("the round has not ended in time: %w", ctx.Err()))
		case err := <-ran:
			ran <- nil
			return sample, pluginsdk.Unavailable(errors.Join(errors.New("the socket broke"), err))
		case <-look.C:
		}
	}
}

// early returns what is known of a peer before its first round is over: that an echo was
// answered, that a router said why one does not arrive, or that the kernel sends none.
func (p *Pinger) early(peer uint64) (sample pluginsdk.RTTSample, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.rounds) != 1 {
		return sample, false
	}
	r := p.rounds[0]
	if r.next > 0 && r.answers[0] > 0 {
		return pluginsdk.RTTSample{Peer: peer, Sent: uint32(r.next), Received: uint32(r.answers[0]), RTT: r.outcome(0).rtt}, true
	}
	if said := p.results[p.path(peer)]; said != nil && !said.whyAt.IsZero() {
		return pluginsdk.RTTSample{Peer: peer, Sent: uint32(r.next), NoAnswer: pluginsdk.NoAnswerUnreachable, Reason: "unreachable: " + said.why}, true
	}
	if why := p.refused[p.path(peer)]; why != "" && r.allSent() && r.outcome(0).unsent == r.count {
		return pluginsdk.RTTSample{Peer: peer, NoAnswer: pluginsdk.NoAnswerNotSent, Reason: notSent + ": " + why}, true
	}
	return sample, false
}

// bytesText returns "1500 bytes".
func bytesText(n int) string { return strconv.Itoa(n) + " bytes" }

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
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
	addr, why := p.resolver.address(peer.Address)
	if why != "" && !addr.IsValid() {
		return pluginsdk.ProbeResult{RTT: &pluginsdk.RTTSample{Peer: peer.ID, NoAnswer: noAnswer(why), Reason: why}}, nil
	}
	if !addr.IsValid() {
		return pluginsdk.ProbeResult{}, pluginsdk.Unavailable(fmt.Errorf("the name %s is being looked up; ask again", peer.Address))
	}
	to := target{peer: peer.ID, address: peer.Address, addr: addr}
	sample, err := single{settings: p.pinger.set, dontFragment: p.dontFragment}.ping(ctx, to)
	if err != nil {
		return pluginsdk.ProbeResult{}, err
	}
	out := pluginsdk.ProbeResult{RTT: &sample, Details: []pluginsdk.ProbeDetail{
		{Name: "address", Value: addr.String()},
		{Name: "echoes", Value: fmt.Sprintf("%d of %d bytes of data", p.pinger.set.count, p.pinger.set.size)},
	}}
	if ask.PathMTU {
		found := p.pathMTU(ctx, to)
		out.PathMTU = &found
	}
	return out, nil
}

// address returns the address that a peer's address stands for, as far as it is known, and
// why it can't be used.
func (r *resolver) address(name string) (netip.Addr, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[name], r.trouble[name]
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
	if said := p.results[peer]; said != nil && !said.whyAt.IsZero() {
		return pluginsdk.RTTSample{Peer: peer, Sent: uint32(r.next), NoAnswer: pluginsdk.NoAnswerUnreachable, Reason: "unreachable: " + said.why}, true
	}
	if why := p.refused[peer]; why != "" && r.allSent() && r.outcome(0).unsent == r.count {
		return pluginsdk.RTTSample{Peer: peer, NoAnswer: pluginsdk.NoAnswerNotSent, Reason: notSent + ": " + why}, true
	}
	return sample, false
}

// bytesText returns "1500 bytes".
func bytesText(n int) string { return strconv.Itoa(n) + " bytes" }

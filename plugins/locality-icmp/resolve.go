package main

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	choice "github.com/meshos/meshos/plugins/internal/families"
	"github.com/meshos/meshos/pluginsdk"
)

// lookupFunc returns the addresses of a host name, best first.
type lookupFunc func(ctx context.Context, host string) ([]netip.Addr, error)

// resolver turns peers into targets: one for each family that a peer's name has. It takes the
// addresses that the host has found. Names that the host does not look up, Run looks up in the
// background, and again at intervals; such a name that stops resolving keeps its last
// addresses, since a broken name server is not a fault of the peer.
type resolver struct {
	lookup   lookupFunc
	interval time.Duration
	unusable [families]error // why a family can't be used; nil: it can
	publish  func([]target)  // called with the targets when they may have changed
	log      hclog.Logger
	wake     chan struct{} // has a token after SetPeers

	mu    sync.Mutex
	peers []pluginsdk.Peer
	given map[uint64]*found // by peer, of names that the host looks up
	known map[string]*found // by address, of all others
}

// found is what is known of the address of a peer.
type found struct {
	from    []netip.Addr // what addrs was made of
	addrs   []netip.Addr // one of each family that can be used, the preferred one first
	trouble trouble
}

// trouble is why there are no addresses, or why they are not new.
type trouble struct {
	why  string // "" for none
	gone bool   // there is no such name
}

func newResolver(lookup lookupFunc, interval time.Duration, unusable [families]error, publish func([]target), log hclog.Logger) *resolver {
	return &resolver{
		lookup: lookup, interval: interval, unusable: unusable, publish: publish, log: log,
		wake:  make(chan struct{}, 1),
		given: make(map[uint64]*found),
		known: make(map[string]*found),
	}
}

// SetPeers replaces the peers. Those with an IP, or with a name that was looked up before,
// become targets at once, the others when their name is found.
func (r *resolver) SetPeers(peers []pluginsdk.Peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wanted := make(map[string]bool, len(peers))
	given := make(map[uint64]*found)
	for _, p := range peers {
		if from, lookedUp := p.Addresses.Of(p.Address); lookedUp {
			given[p.ID] = r.take(p.Address, r.given[p.ID], from)
			continue
		}
		wanted[p.Address] = true
		if ip, err := netip.ParseAddr(p.Address); err == nil {
			r.choose(p.Address, []netip.Addr{ip}, nil)
		}
	}
	maps.DeleteFunc(r.known, func(address string, _ *found) bool { return !wanted[address] })
	r.peers, r.given = peers, given
	r.publish(r.targets())
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// take returns what the host has found of a name; before is what it had found until now. The
// caller holds mu.
func (r *resolver) take(name string, before *found, from pluginsdk.HostAddresses) *found {
	out := &found{from: from.IPs}
	if before != nil && slices.Equal(before.from, from.IPs) {
		out.addrs = before.addrs
	} else {
		out.addrs, _ = r.eachFamily(nil, from.IPs)
	}
	switch {
	case len(out.addrs) > 0 || from.Lookup == pluginsdk.LookupPending:
	case len(from.IPs) > 0:
		_, missing := r.eachFamily(nil, from.IPs)
		out.trouble = trouble{why: missing.Error()}
		if before == nil || before.trouble != out.trouble {
			r.log.Warn("can't use a peer's address: no round-trip time until that changes", "address", name, "error", missing)
		}
	default: // the host has logged it
		out.trouble = trouble{why: from.Error, gone: from.Lookup == pluginsdk.LookupNoSuchName}
	}
	return out
}

// eachFamily returns an address of each family that can be used, the preferred one first. One of
// old is taken while it is among ips, so that round-robin names do not jump. The error is why
// there is none.
func (r *resolver) eachFamily(old, ips []netip.Addr) ([]netip.Addr, error) {
	var best [families]netip.Addr
	missing := errors.New("the name has no address")
	for _, ip := range ips {
		ip = ip.Unmap()
		f := (&target{addr: ip}).family()
		if why := r.unusable[f]; why != nil {
			missing = why
		} else if !best[f].IsValid() || slices.Contains(old, ip) {
			best[f] = ip
		}
	}
	var usable []netip.Addr
	for _, f := range [families]family{familyV6, familyV4} {
		if best[f].IsValid() {
			usable = append(usable, best[f])
		}
	}
	if len(usable) == 0 {
		return nil, missing
	}
	return choice.Candidates(usable), nil
}

// of returns what is known of the address of a peer, the zero value for nothing yet.
func (r *resolver) of(peer pluginsdk.Peer) found {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ofLocked(peer)
}

func (r *resolver) ofLocked(peer pluginsdk.Peer) found {
	f := r.given[peer.ID]
	if f == nil {
		f = r.known[peer.Address]
	}
	if f == nil {
		return found{}
	}
	return *f
}

// targets returns the addresses of every peer of which some are known, those of a peer in the
// order in which they are preferred. The caller holds mu.
func (r *resolver) targets() []target {
	targets := make([]target, 0, len(r.peers))
	for _, p := range r.peers {
		for _, ip := range r.ofLocked(p).addrs {
			targets = append(targets, target{peer: p.ID, address: p.Address, addr: ip})
		}
	}
	return targets
}

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"github.com/meshos/meshos/pluginsdk"
)

const (
	lookupTimeout  = 5 * time.Second // of one name
	lookupsAtOnce  = 16
	retryUnsettled = 5 * time.Second // how soon a name that failed is tried again
	// publishEvery is how often found names are published: not only after the slowest
	// name, and not after each of thousands.
	publishEvery = 50 * time.Millisecond
)

// lookupFunc returns the addresses of a host name, best first.
type lookupFunc func(ctx context.Context, host string) ([]netip.Addr, error)

// resolver turns peers into targets. Run looks names up in the background, and again at
// intervals. A name that stops resolving keeps its last address, since a broken name
// server is not a fault of the peer.
type resolver struct {
	lookup   lookupFunc
	interval time.Duration
	unusable [families]error // why a family can't be used; nil: it can
	publish  func([]target)  // called with the targets when they may have changed
	log      hclog.Logger
	wake     chan struct{} // has a token after SetPeers

	mu      sync.Mutex
	peers   []pluginsdk.Peer
	known   map[string]netip.Addr // by address of a peer
	trouble map[string]string     // the reason last logged, by address without a target
}

func newResolver(lookup lookupFunc, interval time.Duration, unusable [families]error, publish func([]target), log hclog.Logger) *resolver {
	return &resolver{
		lookup: lookup, interval: interval, unusable: unusable, publish: publish, log: log,
		wake:    make(chan struct{}, 1),
		known:   make(map[string]netip.Addr),
		trouble: make(map[string]string),
	}
}

// SetPeers replaces the peers. Those with an IP, or with a name that was looked up before,
// become targets at once, the others when their name is found.
func (r *resolver) SetPeers(peers []pluginsdk.Peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wanted := make(map[string]bool, len(peers))
	for _, p := range peers {
		wanted[p.Address] = true
		if ip, err := netip.ParseAddr(p.Address); err == nil {
			r.choose(p.Address, []netip.Addr{ip}, nil)
		}
	}
	maps.DeleteFunc(r.known, func(address string, _ netip.Addr) bool { return !wanted[address] })
	maps.DeleteFunc(r.trouble, func(address, _ string) bool { return !wanted[address] })
	r.peers = peers
	r.publish(r.targets())
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run looks names up until ctx ends.
func (r *resolver) Run(ctx context.Context) {
	timer := time.NewTimer(r.interval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		}
		next := r.interval
		if !r.resolve(ctx) {
			next = min(next, retryUnsettled)
		}
		timer.Reset(next)
	}
}

// resolve looks every name up once and reports whether all have an address.
func (r *resolver) resolve(ctx context.Context) bool {
	names := r.names()
	if len(names) == 0 {
		return true
	}
	var lookups errgroup.Group
	lookups.SetLimit(lookupsAtOnce)
	published, news := time.Now(), false
	for name := range names {
		lookups.Go(func() error {
			limited, cancel := context.WithTimeout(ctx, lookupTimeout)
			defer cancel()
			ips, err := r.lookup(limited, name)
			if ctx.Err() != nil {
				return nil // the end; the error is not one of the name
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			news = r.choose(name, ips, err) || news
			if news && time.Since(published) >= publishEvery {
				r.publish(r.targets())
				published, news = time.Now(), false
			}
			return nil
		})
	}
	_ = lookups.Wait() // the functions return no errors: each name's error is handled above

	r.mu.Lock()
	defer r.mu.Unlock()
	if news {
		r.publish(r.targets())
	}
	for name := range names {
		if r.trouble[name] != "" {
			return false
		}
	}
	return true
}

// names returns the addresses of peers that are names.
func (r *resolver) names() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make(map[string]bool)
	for _, p := range r.peers {
		if _, err := netip.ParseAddr(p.Address); err != nil && p.Address != "" {
			names[p.Address] = true
		}
	}
	return names
}

// choose stores the result of a lookup and reports whether the address of the name has
// changed. An address is kept while it is among the answers, so that round-robin names do
// not jump. The caller holds mu.
func (r *resolver) choose(name string, ips []netip.Addr, err error) bool {
	old, had := r.known[name]
	var best netip.Addr
	var missing error
	for _, ip := range ips {
		ip = ip.Unmap()
		if why := r.unusable[(&target{addr: ip}).family()]; why != nil {
			missing = why
			continue
		}
		if !best.IsValid() || had && ip == old {
			best = ip
		}
	}
	if !best.IsValid() {
		switch {
		case err != nil:
		case missing != nil:
			err = missing
		default:
			err = errors.New("the name has no address")
		}
		r.complain(name, err, old)
		return false
	}
	if r.trouble[name] != "" {
		delete(r.trouble, name)
		r.log.Info("address resolves again", "address", name, "ip", best)
	}
	if had && best == old {
		return false
	}
	if had {
		r.log.Info("address changed", "address", name, "ip", best, "before", old)
	}
	r.known[name] = best
	return true
}

// complain logs why an address can't be pinged, unless that was logged already. The caller
// holds mu.
func (r *resolver) complain(name string, err error, old netip.Addr) {
	why, remedy := reason(err)
	if r.trouble[name] == why {
		return
	}
	r.trouble[name] = why
	consequence := "no round-trip time until it resolves"
	if old.IsValid() {
		consequence = fmt.Sprintf("still using %s", old)
	}
	r.log.Warn("can't use a peer's address: "+consequence, "address", name, "error", why+remedy)
}

// why returns why an address can't be pinged, "" if it can or if that is not known yet.
func (r *resolver) why(address string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trouble[address]
}

const noSuchName = "no such name"

// reason returns why a lookup failed, and what to do. The same cause always has the same
// text, unlike the resolver's, which contains port numbers.
func reason(err error) (why, remedy string) {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return noSuchName, "; check the peer's address or the name server"
	case errors.As(err, &dns) && dns.IsTimeout, errors.Is(err, context.DeadlineExceeded):
		return "the name server does not answer in time", ""
	case errors.As(err, &dns):
		return "the name server fails", "; check /etc/resolv.conf"
	}
	return err.Error(), ""
}

// targets returns every peer with a known address. The caller holds mu.
func (r *resolver) targets() []target {
	targets := make([]target, 0, len(r.peers))
	for _, p := range r.peers {
		if ip, ok := r.known[p.Address]; ok {
			targets = append(targets, target{peer: p.ID, address: p.Address, addr: ip})
		}
	}
	return targets
}

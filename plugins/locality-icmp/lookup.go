package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	lookupTimeout  = 5 * time.Second // of one name
	lookupsAtOnce  = 16
	retryUnsettled = 5 * time.Second // how soon a name that failed is tried again
	// publishEvery is how often found names are published: not only after the slowest
	// name, and not after each of thousands.
	publishEvery = 50 * time.Millisecond
)

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
		if f := r.known[name]; f != nil && f.trouble.why != "" {
			return false
		}
	}
	return true
}

// names returns the addresses of peers that are names which the host does not look up.
func (r *resolver) names() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make(map[string]bool)
	for _, p := range r.peers {
		if _, err := netip.ParseAddr(p.Address); err != nil && p.Address != "" && r.given[p.ID] == nil {
			names[p.Address] = true
		}
	}
	return names
}

// choose stores the result of a lookup and reports whether the addresses of the name have
// changed. The caller holds mu.
func (r *resolver) choose(name string, ips []netip.Addr, err error) bool {
	f := r.known[name]
	if f == nil {
		f = &found{}
		r.known[name] = f
	}
	if err == nil || len(ips) > 0 {
		var next []netip.Addr
		if next, err = r.eachFamily(f.addrs, ips); err == nil {
			return r.found(name, f, next)
		}
	}
	r.complain(name, err, f)
	return false
}

// found stores addresses of a name. The caller holds mu.
func (r *resolver) found(name string, f *found, next []netip.Addr) bool {
	if f.trouble.why != "" {
		f.trouble = trouble{}
		r.log.Info("address resolves again", "address", name, "ip", texts(next))
	}
	if slices.Equal(next, f.addrs) {
		return false
	}
	if len(f.addrs) > 0 {
		r.log.Info("address changed", "address", name, "ip", texts(next), "before", texts(f.addrs))
	}
	f.addrs = next
	return true
}

func texts(ips []netip.Addr) string {
	out := make([]string, len(ips))
	for i, ip := range ips {
		out[i] = ip.String()
	}
	return strings.Join(out, ", ")
}

// complain logs why an address can't be pinged, unless that was logged already. The caller
// holds mu.
func (r *resolver) complain(name string, err error, f *found) {
	why, remedy := reason(err)
	if f.trouble.why == why {
		return
	}
	f.trouble = trouble{why: why, gone: why == noSuchName}
	consequence := "no round-trip time until it resolves"
	if len(f.addrs) > 0 {
		consequence = "still using " + texts(f.addrs)
	}
	r.log.Warn("can't use a peer's address: "+consequence, "address", name, "error", why+remedy)
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

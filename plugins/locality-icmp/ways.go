package main

import (
	"net/netip"
	"slices"
	"time"

	choice "github.com/meshos/meshos/plugins/internal/families"
	"github.com/meshos/meshos/pluginsdk"
)

// ways are the addresses of one peer. The first one is preferred. It is used until it does not
// answer while another does; that one is used then, until the same happens to it or a
// preferred one answers a whole round again.
type ways struct {
	addrs []netip.Addr
	used  int
	spare time.Time // when those that are not used were in a round last
}

// keep takes over which address is used.
func (w *ways) keep(before *ways) {
	if before == nil {
		return
	}
	w.used = max(0, slices.Index(w.addrs, before.addrs[before.used]))
	w.spare = before.spare
}

// turn returns the targets of the next round: the addresses in use, and the others of peers
// whose address in use fails or has not been tried, and of all peers from time to time. The
// caller holds mu.
func (p *Pinger) turn(now time.Time) []target {
	if len(p.targets) == len(p.ways) {
		return p.targets // each peer has one address
	}
	var also map[uint64]bool
	for peer, w := range p.ways {
		if len(w.addrs) == 1 {
			continue
		}
		used := p.results[path{peer, w.addrs[w.used]}]
		failing := used == nil || used.round == 0 || used.failing > 0
		if again := now.Sub(w.spare) >= choice.Again; failing || again {
			if also == nil {
				also = make(map[uint64]bool)
			}
			also[peer] = true
			w.spare = now
		}
	}
	out := make([]target, 0, len(p.targets))
	for i := range p.targets {
		t := &p.targets[i]
		if also[t.peer] || !p.spare(t) {
			out = append(out, *t)
		}
	}
	return out
}

// spare reports whether another address of the peer is used. The caller holds mu.
func (p *Pinger) spare(t *target) bool {
	w := p.ways[t.peer]
	return w != nil && w.addrs[w.used] != t.addr
}

// decide decides which address of a peer is used, after a round was settled for one of them.
// The caller holds mu.
func (p *Pinger) decide(peer uint64) {
	w := p.ways[peer]
	if w == nil || len(w.addrs) == 1 {
		return
	}
	used := p.results[path{peer, w.addrs[w.used]}]
	for i, addr := range w.addrs {
		other := p.results[path{peer, addr}]
		if i == w.used || other == nil || other.round == 0 || other.failing > 0 {
			continue
		}
		fails := used != nil && used.failing > 0 && other.round >= used.failing
		better := i < w.used && used != nil && other.answered == p.set.count && other.round >= used.round
		if !fails && !better {
			continue
		}
		p.log.Info("another address of the peer is used", "peer", peer, "address", other.target.address,
			"family", pluginsdk.FamilyOf(addr), "ip", addr, "before", w.addrs[w.used])
		w.used = i
		return
	}
}

// best returns the result of the address of a peer that is used; while there is none yet, that
// of another that answers. The caller holds mu.
func (p *Pinger) best(peer uint64) (*result, path) {
	w := p.ways[peer]
	if w == nil {
		return nil, path{}
	}
	of := path{peer, w.addrs[w.used]}
	if r := p.results[of]; r != nil && r.round > 0 {
		return r, of
	}
	for _, addr := range w.addrs {
		other := path{peer, addr}
		if r := p.results[other]; r != nil && r.round > 0 && r.failing == 0 {
			return r, other
		}
	}
	return nil, path{}
}

// path returns the path to a peer that is used. The caller holds mu.
func (p *Pinger) path(peer uint64) path {
	if w := p.ways[peer]; w != nil {
		return path{peer, w.addrs[w.used]}
	}
	return path{}
}

// used returns the address of a peer that is used, the zero value if there is none.
func (p *Pinger) used(peer uint64) netip.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.path(peer).addr
}

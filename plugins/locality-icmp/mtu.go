package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/meshos/meshos/pluginsdk"
)

const (
	// mtuWait is how long an echo of the search is waited for, unless the timeout of echoes
	// is shorter. It is the time that the search takes for each size that does not come
	// through.
	mtuWait = time.Second
	// mtuEchoes is how many echoes of each size are sent: the loss of a path is not its MTU.
	mtuEchoes = 3
	// usualMTU is that of most paths, and tried first after that of the link.
	usualMTU = 1500
)

// headers returns how many bytes of an echo's packet are not data.
func (f family) headers() int {
	if f == familyV6 {
		return ipv6.HeaderLen + icmpHeaderLen
	}
	return ipv4.HeaderLen + icmpHeaderLen
}

// leastMTU returns what every path of the family carries.
func (f family) leastMTU() int {
	if f == familyV6 {
		return 1280
	}
	return 68
}

// maxMTU is the largest size that a search begins with: that of an IPv4 packet.
const maxMTU = 65535

// pathMTU searches for the largest packet that is answered, by bisection: with echoes that
// routers may not fragment. The answer has the same size, so it is the MTU of the way back
// too, where that is smaller and its packets are not fragmented.
func (p *probe) pathMTU(ctx context.Context, to target) pluginsdk.PathMTU {
	search := newMTUSearch(to.family())
	for {
		size, more := search.next()
		if !more {
			return search.found()
		}
		set := settings{timeout: min(p.pinger.set.timeout, mtuWait), count: mtuEchoes, size: size - to.family().headers()}
		sample, err := single{settings: set, dontFragment: true, hasty: true}.ping(ctx, to)
		if err != nil {
			return search.stopped(err)
		}
		search.tried(size, sample)
	}
}

// mtuSearch is the search itself. It does no I/O.
type mtuSearch struct {
	fits    int   // the largest size that was answered; 0: none
	tooBig  int   // the smallest size that was not
	first   []int // sizes to try before bisection
	least   int
	reason  string // why tooBig was not answered, as far as somebody said it
	failing string // why even the smallest size was not answered
}

func newMTUSearch(f family) *mtuSearch {
	return &mtuSearch{tooBig: maxMTU + 1, least: f.leastMTU(), first: []int{f.leastMTU(), maxMTU, usualMTU, usualMTU + 1}}
}

// next returns the size to try next; false if the search is over.
func (m *mtuSearch) next() (int, bool) {
	if m.failing != "" {
		return 0, false
	}
	for len(m.first) > 0 {
		size := m.first[0]
		m.first = m.first[1:]
		if size > m.fits && size < m.tooBig {
			return size, true
		}
	}
	if m.tooBig-m.fits <= 1 {
		return 0, false
	}
	return m.fits + (m.tooBig-m.fits)/2, true
}

// tried takes in what became of a size.
func (m *mtuSearch) tried(size int, s pluginsdk.RTTSample) {
	switch {
	case s.Received+s.Late > 0:
		m.fits = max(m.fits, size)
	case m.fits == 0:
		m.failing = s.Reason
		if m.failing == "" {
			m.failing = timedOut
		}
	default:
		m.tooBig, m.reason = min(m.tooBig, size), s.Reason
		if said, ok := saidMTU(s.Reason); ok && said >= m.fits && said < m.tooBig {
			m.first = append([]int{said, said + 1}, m.first...)
		}
	}
}

// saidMTU returns the MTU that a router named in a reason.
func saidMTU(reason string) (mtu int, ok bool) {
	n, err := fmt.Sscanf(reason, "unreachable: "+packetTooBig, &mtu)
	return mtu, err == nil && n == 1
}

// found returns the result of a search that is over.
func (m *mtuSearch) found() pluginsdk.PathMTU {
	if m.failing != "" {
		return pluginsdk.PathMTU{Reason: fmt.Sprintf("not even a packet of %s is answered: %s", bytesText(m.least), m.failing)}
	}
	out := pluginsdk.PathMTU{Bytes: m.fits}
	if m.tooBig <= maxMTU {
		out.Reason = "a larger packet: " + m.reason
	}
	return out
}

// stopped returns the result of a search that could not go on.
func (m *mtuSearch) stopped(err error) pluginsdk.PathMTU {
	out := pluginsdk.PathMTU{Bytes: m.fits, Reason: fmt.Sprintf("the search stopped: %v", err)}
	if m.fits > 0 && m.tooBig <= maxMTU {
		out.Reason = fmt.Sprintf("at least; it is less than %d, where the search stopped: %v", m.tooBig, err)
	}
	return out
}

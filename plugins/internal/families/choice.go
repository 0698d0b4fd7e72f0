package families

import (
	"net/netip"
	"slices"
	"time"
)

// Again is how often an address that is not used is tried.
const Again = time.Minute

// Choice is which of the addresses of a peer is used: the first one until it fails, then one
// that works, until that fails or a preferred one works again. The zero value has no
// addresses.
type Choice struct {
	all     []netip.Addr
	used    int
	failed  []time.Time // when an address failed last; the zero time if it worked since
	retried time.Time   // when preferred addresses were tried last
}

// Set replaces the addresses, the preferred ones first. The one in use stays in use if it is
// still among them.
func (c *Choice) Set(addresses []netip.Addr, now time.Time) {
	if slices.Equal(addresses, c.all) {
		return
	}
	used := c.Used()
	failed := make([]time.Time, len(addresses))
	for i, ip := range addresses {
		if at := slices.Index(c.all, ip); at >= 0 {
			failed[i] = c.failed[at]
		}
	}
	c.all, c.failed, c.retried = addresses, failed, now
	c.used = max(0, slices.Index(addresses, used))
}

// Used returns the address in use, the zero value if there is none.
func (c *Choice) Used() netip.Addr {
	if c.used < len(c.all) {
		return c.all[c.used]
	}
	return netip.Addr{}
}

// Order returns the addresses as the next attempt tries them: the one in use first.
func (c *Choice) Order() []netip.Addr {
	if c.used == 0 {
		return c.all
	}
	out := make([]netip.Addr, 0, len(c.all))
	out = append(out, c.all[c.used])
	out = append(out, c.all[:c.used]...)
	return append(out, c.all[c.used+1:]...)
}

// Worked reports an attempt that succeeded at an address, which is used from now on.
func (c *Choice) Worked(ip netip.Addr) {
	if i := slices.Index(c.all, ip); i >= 0 {
		c.used, c.failed[i] = i, time.Time{}
	}
}

// Failed reports an attempt that failed at an address, after it was connected. If that is the
// one in use, the next one is used that did not fail within the last while.
func (c *Choice) Failed(ip netip.Addr, now time.Time) {
	i := slices.Index(c.all, ip)
	if i < 0 {
		return
	}
	c.failed[i] = now
	if i != c.used {
		return
	}
	for n := 1; n < len(c.all); n++ {
		next := (i + n) % len(c.all)
		if at := c.failed[next]; at.IsZero() || now.Sub(at) >= Again {
			c.used = next
			return
		}
	}
}

// Preferred returns the address before the one in use if it is time to try it again; Worked
// makes it the one in use.
func (c *Choice) Preferred(now time.Time) (netip.Addr, bool) {
	if c.used == 0 || c.used >= len(c.all) {
		c.retried = now
		return netip.Addr{}, false
	}
	if now.Sub(c.retried) < Again {
		return netip.Addr{}, false
	}
	c.retried = now
	return c.all[0], true
}

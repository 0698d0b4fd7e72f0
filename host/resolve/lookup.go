package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/meshos/meshos/host/mesh"
)

// LookupFunc looks up the addresses of one family of a name, within the deadline of ctx.
type LookupFunc func(ctx context.Context, host string, family mesh.Family) Answer

// With returns a LookupFunc that asks a resolver. Each family is a lookup of its own: asked for
// both, a resolver says nothing of the one that failed if the other has an answer.
func With(r *net.Resolver) LookupFunc {
	return func(ctx context.Context, host string, family mesh.Family) Answer {
		network := "ip4"
		if family == mesh.FamilyIPv6 {
			network = "ip6"
		}
		addresses, err := r.LookupNetIP(ctx, network, host)
		if err != nil {
			return failed(err)
		}
		out := make([]netip.Addr, 0, len(addresses))
		for _, ip := range addresses {
			out = append(out, ip.Unmap())
		}
		return Answer{Addresses: out, Gone: len(out) == 0}
	}
}

// failed returns why a lookup found nothing. The same cause always has the same text, unlike
// the resolver's, which contains port numbers.
func failed(err error) Answer {
	var dns *net.DNSError
	var noAddress *net.AddrError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound, errors.As(err, &noAddress):
		return Answer{Gone: true}
	case errors.As(err, &dns) && dns.IsTimeout, errors.Is(err, context.DeadlineExceeded):
		return Answer{Failed: "the name server does not answer in time"}
	}
	return Answer{Failed: "the name server fails"}
}

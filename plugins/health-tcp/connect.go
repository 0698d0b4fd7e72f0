package main

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/meshos/meshos/plugins/internal/healthprobe"
)

// schemes are those of the targets that this plugin checks: host:port and tcp://host:port.
func schemes() []string { return []string{"tcp"} }

// connector attempts a target: it connects and resets the connection.
type connector struct{ dialer healthprobe.Dialer }

// attempt is a healthprobe.AttemptFunc.
func (k connector) attempt(ctx context.Context, target string, via healthprobe.Route) healthprobe.Attempt {
	if _, address, isURL := strings.Cut(target, "://"); isURL {
		target = address
	}
	if to, ok := onlyAddress(target, via); ok {
		return healthprobe.Touch(ctx, to)
	}
	c, err := k.dialer.Dial(ctx, target, via)
	if err != nil {
		return healthprobe.Attempt{Err: err}
	}
	_ = c.Close()
	return healthprobe.Attempt{Took: c.Took, Remote: c.Remote}
}

// onlyAddress returns the address of a target that has only one.
func onlyAddress(target string, via healthprobe.Route) (to netip.AddrPort, ok bool) {
	if len(via.Addresses) > 1 {
		return to, false
	}
	if to, err := netip.ParseAddrPort(target); err == nil {
		return netip.AddrPortFrom(to.Addr().Unmap(), to.Port()), to.Addr().Zone() == "" // a zone needs the dialer
	}
	_, text, err := net.SplitHostPort(target)
	port, wrong := strconv.ParseUint(text, 10, 16)
	if err != nil || wrong != nil || len(via.Addresses) == 0 {
		return to, false
	}
	return netip.AddrPortFrom(via.Addresses[0].Unmap(), uint16(port)), true
}

package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// HostNames returns the host names by which a peer is measured: in its address and in its
// health target. IP addresses are none.
func (p *Peer) HostNames() []string {
	var names []string
	for _, text := range []string{p.Address, p.Health} {
		if host := hostIn(text); host != "" && !isIP(host) && !slices.Contains(names, host) {
			names = append(names, host)
		}
	}
	return names
}

// HealthHost returns the host name in a peer's health target, "" if there is none.
func (p *Peer) HealthHost() string {
	if host := hostIn(p.Health); !isIP(host) {
		return host
	}
	return ""
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// hostIn returns the host name or IP address in a peer's address or health target.
func hostIn(text string) string {
	switch {
	case strings.Contains(text, "://"):
		u, err := url.Parse(text)
		if err != nil {
			return ""
		}
		return u.Hostname()
	case strings.Contains(text, ":") && !isIP(text):
		host, _, err := net.SplitHostPort(text)
		if err != nil {
			return ""
		}
		return host
	}
	return text
}

package plugins

import (
	"context"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/resolve"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// SetPeers replaces the peers of the configuration and has every probe told of them. Their host names are looked up
// from now on; probes are told again when that is done.
func (p *Plugins) SetPeers(ctx context.Context, peers []config.Peer) error {
	p.peers.configure(peers)
	p.names.Want(HostNames(p.peers.now()))
	return p.RenewPeers(ctx)
}

// RenewPeers has every probe told the addresses of the peers' host names as they are now.
func (p *Plugins) RenewPeers(ctx context.Context) error {
	return p.catalog.RenewPeers(ctx, func() []*pluginv1.Peer { return Peers(p.peers.now(), p.names) })
}

// PeersNow returns the peers of the configuration, and those that the mesh brought. They must
// not be written to.
func (p *Plugins) PeersNow() []config.Peer { return p.peers.now() }

// Peers returns the configured peers as probes are told of them.
func Peers(peers []config.Peer, names *resolve.Resolver) (out []*pluginv1.Peer) {
	for _, p := range peers {
		peer := &pluginv1.Peer{Id: uint64(p.ID), Name: p.Name, Address: p.Address, HealthTarget: p.Health}
		for _, name := range NamesOf(&p) {
			peer.Addresses = append(peer.Addresses, addressesOf(name.Host, names.State(name)))
		}
		out = append(out, peer)
	}
	return out
}

func addressesOf(host string, s resolve.State) *pluginv1.HostAddresses {
	out := &pluginv1.HostAddresses{Host: host, Lookup: meshosv1.Lookup(s.Lookup), ResolveError: s.Reason}
	for _, ip := range s.Addresses {
		out.Ips = append(out.Ips, ip.String())
	}
	return out
}

// NamesOf returns the host names of a peer.
func NamesOf(p *config.Peer) (names []resolve.Name) {
	for _, host := range p.HostNames() {
		names = append(names, NameOf(p, host))
	}
	return names
}

// NameOf returns one of the host names of a peer, with the families by which it may be reached.
func NameOf(p *config.Peer, host string) resolve.Name {
	switch p.Family {
	case config.FamilyIPv4:
		return resolve.Name{Host: host, Family: mesh.FamilyIPv4}
	case config.FamilyIPv6:
		return resolve.Name{Host: host, Family: mesh.FamilyIPv6}
	}
	return resolve.Name{Host: host}
}

// HostNames returns the host names of all peers.
func HostNames(peers []config.Peer) (names []resolve.Name) {
	for i := range peers {
		names = append(names, NamesOf(&peers[i])...)
	}
	return names
}

package plugins

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
)

// renewEvery is how often at most probes are told of peers that the mesh brought.
const renewEvery = time.Second

// knownPeers are the peers that probes look at: those of the configuration, and those that the
// mesh brought. What the configuration says of one counts.
type knownPeers struct {
	changed chan struct{} // buffered for one: the mesh brought others

	mu         sync.Mutex
	configured []config.Peer
	announced  map[mesh.NodeID]config.Peer
	all        []config.Peer // of both; it is replaced, never changed
}

func newKnownPeers(configured []config.Peer) *knownPeers {
	return &knownPeers{changed: make(chan struct{}, 1), configured: configured, announced: make(map[mesh.NodeID]config.Peer), all: configured}
}

// now returns all peers. They must not be written to.
func (k *knownPeers) now() []config.Peer {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.all
}

// configure replaces the peers of the configuration.
func (k *knownPeers) configure(peers []config.Peer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.configured = peers
	k.join()
}

// announce takes over what the mesh says of others.
func (k *knownPeers) announce(said mesh.PeersAnnounced) {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed := false
	for _, id := range said.Expelled {
		_, known := k.announced[id]
		changed = changed || known
		delete(k.announced, id)
	}
	for _, a := range said.Peers {
		next := config.Peer{ID: a.ID, Name: a.Name, Address: a.Address, Health: a.Health}
		if old, known := k.announced[a.ID]; !known || old != next {
			k.announced[a.ID], changed = next, true
		}
	}
	if !changed {
		return
	}
	k.join()
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// join makes all anew. It is called with mu held.
func (k *knownPeers) join() {
	k.all = k.configured
	if len(k.announced) == 0 {
		return
	}
	of := maps.Clone(k.announced)
	for _, p := range k.configured {
		of[p.ID] = p
	}
	k.all = slices.SortedFunc(maps.Values(of), func(a, b config.Peer) int { return cmp.Compare(a.ID, b.ID) })
}

// Announce takes over what the mesh says of other nodes. Probes are told within a second.
func (p *Plugins) Announce(said mesh.PeersAnnounced) { p.peers.announce(said) }

// renewAnnounced has probes told of the peers that the mesh brought, until ctx ends.
func (p *Plugins) renewAnnounced(ctx context.Context) {
	for {
		select {
		case <-p.peers.changed:
		case <-ctx.Done():
			return
		}
		p.names.Want(HostNames(p.peers.now()))
		if err := p.RenewPeers(ctx); err != nil && ctx.Err() == nil {
			p.log.Debug("probes were not told of peers of the mesh", "error", err) // they are told again
		}
		timer := time.NewTimer(renewEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

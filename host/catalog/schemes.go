package catalog

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/plaintext"
	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// maxSchemes is how many schemes of a plugin count.
const maxSchemes = 32

// healthSchemes returns the schemes of the health targets that a plugin checks which is used
// as these kinds and named these schemes.
func healthSchemes(used, named []string) []string {
	if !slices.Contains(used, KindHealthProbe) {
		return nil
	}
	clean := make([]string, 0, min(len(named), maxSchemes))
	for _, scheme := range named[:min(len(named), maxSchemes)] {
		clean = append(clean, plaintext.Clean(scheme, 40))
	}
	return wire.HealthSchemes(clean)
}

// withTargets returns the peers as a plugin gets them: with health targets of these schemes
// only.
func withTargets(peers []*pluginv1.Peer, schemes []string) []*pluginv1.Peer {
	out := make([]*pluginv1.Peer, len(peers))
	for n, p := range peers {
		if p.GetHealthTarget() != "" && !wire.ServesHealth(schemes, p.GetHealthTarget()) {
			p = &pluginv1.Peer{Id: p.GetId(), Name: p.GetName(), Address: p.GetAddress(), Addresses: p.GetAddresses()}
		}
		out[n] = p
	}
	return out
}

// Unchecked returns the peers with a health target that no plugin checks, and why in words.
// It is empty as long as an enabled plugin has not said yet what it checks.
func (c *Catalog) Unchecked() map[mesh.NodeID]string {
	version, peers := c.peers.get()
	schemes, known := c.healthSchemes()
	if !known {
		return nil
	}
	c.unchecked.mu.Lock()
	defer c.unchecked.mu.Unlock()
	u := &c.unchecked
	if u.found == nil || u.version != version || !slices.Equal(u.schemes, schemes) {
		u.version, u.schemes, u.found = version, schemes, unchecked(peers, schemes)
	}
	return u.found
}

// uncheckedPeers is what Unchecked found last: it is asked at every tick.
type uncheckedPeers struct {
	mu      sync.Mutex
	version uint64 // of the peers
	schemes []string
	found   map[mesh.NodeID]string
}

// unchecked returns the peers with a target of none of these schemes.
func unchecked(peers []*pluginv1.Peer, schemes []string) map[mesh.NodeID]string {
	found := map[mesh.NodeID]string{}
	for _, p := range peers {
		if target := p.GetHealthTarget(); target != "" && !wire.ServesHealth(schemes, target) {
			found[mesh.NodeID(p.GetId())] = uncheckedText(target)
		}
	}
	return found
}

func uncheckedText(target string) string {
	if !strings.Contains(target, "://") {
		return "no plugin checks health targets of the form host:port"
	}
	return fmt.Sprintf("no plugin checks %s:// health targets", plaintext.Clean(wire.HealthScheme(target), 40))
}

// healthSchemes returns what the enabled plugins check, sorted, and whether all of them
// have said it.
func (c *Catalog) healthSchemes() (schemes []string, known bool) {
	for _, s := range c.slots {
		if !s.entry().Enabled {
			continue
		}
		s.mu.Lock()
		said, of := s.kindsReported, s.schemes
		disabled := s.machine.phase == disabled
		s.mu.Unlock()
		switch {
		case disabled:
		case !said:
			return nil, false
		default:
			schemes = append(schemes, of...)
		}
	}
	slices.Sort(schemes)
	return slices.Compact(schemes), true
}

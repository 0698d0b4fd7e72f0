package catalog

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/backoff"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// peerBook holds the peers that probes look at.
type peerBook struct {
	mu      sync.Mutex
	version uint64 // grows with every change
	list    []*pluginv1.Peer
	set     *answers.Peers
}

// replace replaces the peers of node self. It calls peers while nobody else replaces them, so
// that the newest ones stay.
func (b *peerBook) replace(self uint64, peers func() []*pluginv1.Peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := peers()
	list := make([]*pluginv1.Peer, 0, len(now))
	for _, p := range now {
		list = append(list, proto.CloneOf(p))
	}
	b.version++
	b.list, b.set = list, answers.NewPeers(mesh.NodeID(self), list)
}

// get returns the peers with their version.
func (b *peerBook) get() (uint64, []*pluginv1.Peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.version, b.list
}

// current returns the nodes that samples may be about now.
func (b *peerBook) current() *answers.Peers {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.set
}

// sentPeers is what one process was told of the peers.
type sentPeers struct {
	sending chan struct{} // holds a token while somebody sends
	version atomic.Uint64 // of the peers that were sent last

	resending atomic.Bool // in a goroutine of its own

	// Only the slot's goroutine uses these.
	resendAt time.Time
	resends  int // in a row
}

// SetPeers replaces the peers (without this node) and sends them to every probe that
// runs; the others get them when they start. The error joins the errors of the plugins
// that could not be told. These are told again until they know.
func (c *Catalog) SetPeers(ctx context.Context, peers []*pluginv1.Peer) error {
	return c.RenewPeers(ctx, func() []*pluginv1.Peer { return peers })
}

// RenewPeers is like SetPeers. It calls peers once, while no other call replaces the peers; so
// of several calls at once the newest peers stay. peers must not call into the catalog.
func (c *Catalog) RenewPeers(ctx context.Context, peers func() []*pluginv1.Peer) error {
	c.peers.replace(c.opts.Node, peers)
	errs := make([]error, len(c.slots))
	var wg sync.WaitGroup
	for n, s := range c.slots {
		wg.Go(func() {
			if i := s.acquire(); i != nil {
				defer i.calls.Done()
				errs[n] = s.sendPeers(ctx, i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// peersOutdated reports whether a process is a probe that was not told the current peers.
func (s *slot) peersOutdated(i *instance) bool {
	version, _ := s.peers.get()
	return isProbe(i.kinds) && i.peers.version.Load() != version
}

// sendPeers sends the peers to a probe, unless it knows them.
func (s *slot) sendPeers(ctx context.Context, i *instance) error {
	if !isProbe(i.kinds) {
		return nil
	}
	turn, cancel := context.WithTimeout(ctx, s.entry().Timeout)
	defer cancel()
	select {
	case i.peers.sending <- struct{}{}:
		defer func() { <-i.peers.sending }()
	case <-turn.Done():
		return s.newError("peers", "another change of the peers is under way", "they are sent again", turn.Err())
	}
	version, peers := s.peers.get()
	if version == i.peers.version.Load() {
		return nil
	}
	err := s.setupCall(ctx, i, "Plugin.SetPeers", func(ctx context.Context, p pluginv1.PluginClient) error {
		_, err := p.SetPeers(ctx, &pluginv1.SetPeersRequest{Peers: withTargets(peers, i.schemes)})
		return err
	})
	if err != nil {
		return s.setupError("peers", i, err)
	}
	i.peers.version.Store(version)
	return nil
}

// resendPeers sends the peers in the background to a probe that could not be told them,
// with growing pauses. It returns after how long it has to be called again.
func (s *slot) resendPeers(i *instance) time.Duration {
	p := i.peers
	if !s.peersOutdated(i) {
		p.resends = 0
		return s.opts.KeepaliveEvery
	}
	if wait := time.Until(p.resendAt); wait > 0 {
		return wait
	}
	if p.resending.CompareAndSwap(false, true) {
		i.calls.Add(1)
		go func() {
			defer i.calls.Done()
			defer p.resending.Store(false)
			if err := s.sendPeers(i.ctx, i); err != nil {
				s.opts.Log(mesh.LevelDebug, s.entry().Name, err.Error())
			}
		}()
	}
	p.resends++
	pause := backoff.Doubling{First: time.Second, Max: time.Minute}.After(p.resends)
	p.resendAt = time.Now().Add(pause)
	return pause
}

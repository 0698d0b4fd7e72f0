package capacity

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

const (
	// alignEvery is how often the gate reads all ids of the state at most.
	alignEvery = time.Second
	// askEvery is how often new holders are let in to one chain, at most, because the state
	// says that there is room.
	askEvery = alignEvery / 2
	// readWithin is how long it waits for a reading.
	readWithin = 2 * time.Second
)

// askHolders asks the state whether there is room for one more holder.
func (g *Gate) askHolders(ctx context.Context, n need) *Refusal {
	limit := g.options.Limits.HoldersPerChain
	var holders int
	var holds bool
	if !g.read(ctx, func(s *state.State) {
		if n.kind == blobs {
			holders, holds = s.BlobHolders(mesh.BlobID(n.id), n.holder)
		} else {
			holders, holds = s.ChainHolders(mesh.ChainID(n.id), n.holder)
		}
	}) {
		return n.tooManyHolders(limit)
	}
	if holds {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	x, now := &g.indexes[n.kind], g.options.Now().UnixNano()
	e, asked := x.entries.Get(n.id), x.asked[n.id]
	switch {
	case holders >= limit, e != nil && now-asked < int64(askEvery):
		// Those that were let in after the last question may not be folded yet.
		return n.tooManyHolders(limit)
	case e != nil:
		e.holders, x.asked[n.id] = int32(holders+1), now
	}
	return nil
}

// align makes the indexes agree with the state, unless that was done just now. It reports
// whether the indexes may be others than before.
func (g *Gate) align(ctx context.Context) bool {
	g.mu.Lock()
	if other := g.aligned; other != nil { // somebody else's will do
		g.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
		}
		return true
	}
	if now := g.options.Now(); now.Sub(g.alignedAt) < alignEvery {
		g.mu.Unlock()
		return false
	}
	done := make(chan struct{})
	g.aligned = done
	g.mu.Unlock()

	var known state.Known
	ok := g.read(ctx, func(s *state.State) { known = s.Known() })

	g.mu.Lock()
	defer g.mu.Unlock()
	g.aligned = nil
	close(done)
	if !ok {
		return false
	}
	g.alignedAt = g.options.Now()
	g.generation++
	g.alignAll(known)
	return true
}

// alignAll is called with the lock held. What was let in while the state was read is of
// the generation before.
func (g *Gate) alignAll(known state.Known) {
	plain := func(k kind, ids func(yield func(uint64) bool)) {
		g.indexes[k].align(func(yield func(uint64, int) bool) {
			ids(func(id uint64) bool { return yield(id, 0) })
		}, g.generation)
	}
	plain(peers, func(yield func(uint64) bool) {
		for _, id := range known.Peers {
			if !yield(uint64(id)) {
				return
			}
		}
	})
	plain(daemons, func(yield func(uint64) bool) {
		for _, id := range known.Daemons {
			if !yield(uint64(id)) {
				return
			}
		}
	})
	g.indexes[chains].align(func(yield func(uint64, int) bool) {
		for _, c := range known.Chains {
			if !yield(uint64(c.ID), c.Holders) {
				return
			}
		}
	}, g.generation)
	g.indexes[blobs].align(func(yield func(uint64, int) bool) {
		for _, b := range known.Blobs {
			if !yield(uint64(b.ID), b.Holders) {
				return
			}
		}
	}, g.generation)
}

// read shows the state to visit, and reports whether it did.
func (g *Gate) read(ctx context.Context, visit func(*state.State)) bool {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	return g.options.Read(ctx, visit) == nil
}

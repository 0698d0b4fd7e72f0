package main

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// heldChains is what this node holds, as its server says.
type heldChains struct {
	changed signal

	mu     sync.Mutex
	known  bool // it was read
	chains map[uint64]chains.Info
	again  bool      // it is to be read at once
	wanted bool      // the host asks for it
	listed time.Time // when the host asked last which moves are under way
	hinted signal
	// elections are what the engine announced lately, by chain: this node's own server may hear of it
	// a moment later.
	elections map[uint64]election
}

func (h *heldChains) set(now map[uint64]chains.Info) {
	h.mu.Lock()
	maps.DeleteFunc(h.elections, func(_ uint64, e election) bool { return time.Since(e.at) >= ownEvery })
	for id, e := range h.elections {
		if i, held := now[id]; held {
			i.Leader = e.leader
			now[id] = i
		}
	}
	h.chains, h.known = now, true
	h.mu.Unlock()
	h.changed.raise()
}

// poke has it read soon.
func (h *heldChains) poke() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.again = true
	h.hinted.raise()
}

// hint returns a channel that is closed once it should be read soon.
func (h *heldChains) hint() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.again {
		now := make(chan struct{})
		close(now)
		return now
	}
	return h.hinted.wait()
}

func (h *heldChains) poked() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.again
	h.again = false
	return was
}

// want notes that the host asks, and asked reports it.
func (h *heldChains) want() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wanted = true
}

func (h *heldChains) asked() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.wanted
}

// list notes that the host asks which moves are under way, and lists reports whether it does.
func (h *heldChains) list(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listed = now
}

func (h *heldChains) lists(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Sub(h.listed) < listedFor
}

// now returns what is held. It must not be written to.
func (h *heldChains) now() map[uint64]chains.Info {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.chains
}

// size returns how many chains are held, and their bytes.
func (h *heldChains) size() (count int, bytes uint64) {
	for _, i := range h.now() {
		count++
		bytes += i.Bytes
	}
	return count, bytes
}

// toldChain is what the host knows of a chain from here.
type toldChain struct {
	holders []uint64
	leader  uint64
	// Of a chain that this node leads: who has all of it, and which of those were behind at the last
	// look.
	current, behind []uint64
}

// Events says who holds and leads the chains of which this node has a replica.
func (n *node) Events(ctx context.Context, send func([]*meshosv1.Event) error) error {
	told, first := map[uint64]toldChain{}, true
	n.held.want()
	for {
		changed := n.held.changed.wait()
		n.held.mu.Lock()
		known, now := n.held.known, n.held.chains
		n.held.mu.Unlock()
		if known {
			events := n.news(told, now, first)
			first = false
			for part := range slices.Chunk(events, 500) {
				if err := send(part); err != nil {
					return err
				}
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// news returns what changed, and notes that it was told. The first time it also says what is not
// so: the host may have heard otherwise before.
func (n *node) news(told map[uint64]toldChain, now map[uint64]chains.Info, first bool) (events []*meshosv1.Event) {
	m := n.members.Load()
	update := func(kind meshosv1.ReplicaUpdate_Kind, chain, holder uint64) {
		events = append(events, &meshosv1.Event{Kind: &meshosv1.Event_ReplicaUpdate{ReplicaUpdate: &meshosv1.ReplicaUpdate{Kind: kind, Chain: chain, Holder: holder}}})
	}
	for _, chain := range slices.Sorted(maps.Keys(m.chains)) {
		if _, is := now[chain]; first && !is {
			update(meshosv1.ReplicaUpdate_KIND_REMOVED, chain, n.id)
		}
	}
	for _, chain := range slices.Sorted(maps.Keys(now)) {
		i, before := now[chain], told[chain]
		next := toldChain{leader: seedOf(i.Leader)}
		for _, p := range i.Peers {
			id := seedOf(p.Name)
			// One that gets a replica in a move holds it once it has all of it.
			arrives := next.leader == n.id && i.Changing && !p.Current && id != n.id && !slices.Contains(before.holders, id)
			if id != 0 && !p.Pending && !arrives {
				next.holders = append(next.holders, id)
			}
		}
		slices.Sort(next.holders)
		for _, id := range next.holders {
			if !slices.Contains(before.holders, id) {
				update(meshosv1.ReplicaUpdate_KIND_ADDED, chain, id)
			}
		}
		gone := before.holders
		if first {
			gone = slices.Sorted(maps.Keys(m.byID))
		}
		for _, id := range gone {
			if !slices.Contains(next.holders, id) {
				update(meshosv1.ReplicaUpdate_KIND_REMOVED, chain, id)
			}
		}
		if _, known := told[chain]; !known || next.leader != before.leader {
			events = append(events, leaderEvent(chain, next.leader))
		}
		if next.leader == n.id {
			next.current, next.behind = currentHolders(n.id, i, before)
			if before.leader != n.id || !slices.Equal(next.current, before.current) {
				events = append(events, currentEvent(chain, next.current))
			}
		}
		told[chain] = next
	}
	for _, chain := range slices.Sorted(maps.Keys(told)) {
		if _, is := now[chain]; is {
			continue
		}
		events = append(events, leaderEvent(chain, 0)) // not known here any more
		for _, id := range told[chain].holders {
			update(meshosv1.ReplicaUpdate_KIND_REMOVED, chain, id)
		}
		delete(told, chain)
	}
	return events
}

func leaderEvent(chain, leader uint64) *meshosv1.Event {
	e := &meshosv1.ReplicaLeader{Chain: chain}
	if leader != 0 {
		e.Leader = &leader
	}
	return &meshosv1.Event{Kind: &meshosv1.Event_ReplicaLeader{ReplicaLeader: e}}
}

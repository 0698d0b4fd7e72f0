package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	"github.com/meshos/meshos/plugins/mesh-nats/internal/engine"
	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// settledChain is what was found of a chain's stream.
type settledChain struct {
	deleted bool
	until   time.Time // then it is looked at again
}

// createAndDelete has the streams come to be that are to be, and go that are not. One node of
// those that are there does it for each chain, and looks again now and then.
func (h *holder) createAndDelete(now time.Time) {
	if now.Sub(h.began) < createAfter || !h.srv.JetStreamIsCurrent() {
		return
	}
	open := h.open(now)
	there := slices.Sorted(maps.Keys(h.there(now)))
	room := atOnce
	for id, c := range h.members.Load().chains {
		if room == 0 {
			return
		}
		if h.isSettled(id, c, now) || h.underWay(id) != nil {
			continue
		}
		begun := false
		switch {
		case !c.GetDeleted():
			begun = h.create(id, c, open)
		case len(there) > 0 && there[0] == h.id:
			begun = true
			h.begin(id, chains.Change{Stream: streamOf(c)}, func(ctx context.Context, _ *migration) error {
				var err error
				if i, infoErr := h.client.Info(ctx, streamOf(c)); infoErr == nil && !slices.Contains(i.Tags, tagOf(id)) {
					h.log.Info("a chain is deleted that never took its stream over, which stays", "chain", id, "stream", streamOf(c))
				} else if infoErr != nil && !errors.Is(infoErr, engine.ErrNoStream) && adopts(c) {
					return infoErr // it is not known whose it is
				} else {
					err = h.client.Delete(ctx, streamOf(c))
				}
				if err == nil {
					h.settle(id, c)
				}
				return err
			})
		}
		if begun {
			room--
		}
	}
}

// create creates the stream of a chain, if it falls to this node, and reports whether it does.
func (h *holder) create(id uint64, c *meshosv1.SetChain, open map[uint64]*natsv1.HolderBeat) bool {
	replicas := int(c.GetReplicas())
	over := spreadOf(c, open)
	chosen := over.first(ranked(id, slices.Collect(maps.Keys(open))), replicas)
	if len(chosen) == 0 || slices.Min(chosen) != h.id {
		return false
	}
	change := chains.Change{Kind: chains.Create, Stream: streamOf(c), Self: hubName(h.id), Replicas: replicas}
	for _, n := range chosen {
		change.Targets = append(change.Targets, hubName(n))
	}
	h.begin(id, change, func(ctx context.Context, shown *migration) error {
		switch _, err := h.client.Info(ctx, change.Stream); {
		case err == nil:
			h.settle(id, c)
			return nil
		case !errors.Is(err, engine.ErrNoStream):
			return nil // it may exist, and has no leader
		case adopts(c):
			h.tooFew(id, fmt.Sprintf("there is no stream %s to take over", change.Stream))
			return nil
		case len(change.Targets) < replicas:
			h.tooFew(id, fmt.Sprintf("it needs %d nodes that hold chains, and %d take replicas", replicas, len(change.Targets)))
			return nil
		}
		err := h.makeMove(ctx, id, change, shown)
		if err == nil {
			h.sayShared(id, over)
			h.settle(id, c)
		}
		return err
	})
	return true
}

// settle notes that the stream of a chain exists, or does not, as it is to be.
func (h *holder) settle(id uint64, c *meshosv1.SetChain) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settled[id] = settledChain{c.GetDeleted(), time.Now().Add(lookAgain + rand.N(lookAgain))}
	delete(h.short, id)
}

func (h *holder) isSettled(id uint64, c *meshosv1.SetChain, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.settled[id]
	_, held := h.held.now()[id]
	return held && !c.GetDeleted() || s.deleted == c.GetDeleted() && now.Before(s.until)
}

// ranked sorts nodes in an order that is the same everywhere and another one for each chain.
func ranked(chain uint64, nodes []uint64) []uint64 {
	rank := func(n uint64) uint64 {
		x := chain*0x9E3779B97F4A7C15 ^ n*0xC2B2AE3D27D4EB4F
		x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
		x = (x ^ x>>27) * 0x94D049BB133111EB
		return x ^ x>>31
	}
	slices.SortFunc(nodes, func(a, b uint64) int {
		if rank(a) < rank(b) || rank(a) == rank(b) && a < b {
			return -1
		}
		return 1
	})
	return nodes
}

// tooFew says once why a chain can't be created.
func (h *holder) tooFew(id uint64, why string) {
	h.mu.Lock()
	said := h.short[id]
	h.short[id] = why
	h.mu.Unlock()
	if said != why {
		h.log.Warn("a chain waits to be created", "chain", id, "why", why)
	}
}

// streamConfig returns what the stream of a chain is like.
func streamConfig(c *meshosv1.SetChain) *server.StreamConfig {
	s := c.GetStream()
	out := &server.StreamConfig{
		Name: streamOf(c), Description: "chain " + c.GetName(), Subjects: s.GetSubjects(), Storage: server.FileStorage,
		Placement: &server.Placement{Tags: []string{tagOf(c.GetChain())}}, MaxMsgs: -1, MaxBytes: -1, MaxMsgSize: -1, MaxConsumers: -1,
		MaxMsgsPer: -1, MaxAge: s.GetMaxAge().AsDuration(), AllowDirect: true,
	}
	if s.GetMaxBytes() > 0 {
		out.MaxBytes = s.GetMaxBytes()
	}
	switch s.GetRetention() {
	case meshosv1.ChainStream_RETENTION_INTEREST:
		out.Retention = server.InterestPolicy
	case meshosv1.ChainStream_RETENTION_WORK_QUEUE:
		out.Retention = server.WorkQueuePolicy
	}
	return out
}

// tagOf returns the tag by which a server agrees to hold a chain.
func tagOf(chain uint64) string { return fmt.Sprintf("c%d", chain) }

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// adopts reports whether a chain is a stream that existed before.
func adopts(c *meshosv1.SetChain) bool { return c.GetStream().GetName() != "" }

// adopt takes streams over that chains of the mesh name, where this node leads them: once their
// placement asks for the tag of the chain they are moved by consent like all others. Until then this
// node says nothing of them to its host.
func (h *holder) adopt(now time.Time) {
	for id, i := range h.unadopted {
		c := h.members.Load().chains[id]
		if i.Leader != hubName(h.id) || c == nil || c.GetDeleted() || now.Before(h.adoptAfter[id]) || h.underWay(id) != nil {
			continue
		}
		h.adoptAfter[id] = now.Add(lookAgain)
		change := chains.Change{Kind: chains.Adopt, Stream: streamOf(c), Self: hubName(h.id), Tag: tagOf(id)}
		h.begin(id, change, func(ctx context.Context, shown *migration) error {
			err := h.takeOver(ctx, id, c, change, shown)
			if err != nil && ctx.Err() == nil {
				h.notAdopted(id, c, err)
			}
			return err
		})
	}
}

// takeOver takes a stream over. All who hold it agree to go on first.
func (h *holder) takeOver(ctx context.Context, id uint64, c *meshosv1.SetChain, change chains.Change, shown *migration) error {
	config, err := h.client.Config(ctx, change.Stream)
	if err != nil {
		return err
	}
	if why := unlike(c, config); why != "" {
		return errors.New(why)
	}
	i, err := h.client.Info(ctx, change.Stream)
	if err != nil {
		return err
	}
	for _, p := range i.Peers {
		if member := seedOf(p.Name); member == 0 || !h.known(member) {
			return fmt.Errorf("%s, which holds it, is no member of the mesh", p.Name)
		}
		change.Targets = append(change.Targets, p.Name)
	}
	if err := h.makeMove(ctx, id, change, shown); err != nil {
		return err
	}
	h.log.Info("a stream was taken over", "chain", id, "stream", change.Stream)
	return nil
}

// unlike returns in what a stream is not what its chain says, or "".
func unlike(c *meshosv1.SetChain, is *server.StreamConfig) string {
	want, sorted := streamConfig(c), func(s []string) []string { return slices.Sorted(slices.Values(s)) }
	limit := func(n int64) int64 { return max(n, 0) } // -1 is none, too
	switch {
	case is.Mirror != nil || len(is.Sources) > 0:
		return "it is filled from other streams"
	case is.Storage != server.FileStorage:
		return "it is in memory only"
	case !slices.Equal(sorted(is.Subjects), sorted(want.Subjects)):
		return fmt.Sprintf("its subjects are %q, not %q", is.Subjects, want.Subjects)
	case is.Replicas != int(c.GetReplicas()):
		return fmt.Sprintf("it has %d replicas, not %d", is.Replicas, c.GetReplicas())
	case is.Retention != want.Retention:
		return fmt.Sprintf("its retention is %s, not %s", is.Retention, want.Retention)
	case limit(is.MaxBytes) != limit(want.MaxBytes):
		return fmt.Sprintf("its limit is %d bytes, not %d", limit(is.MaxBytes), limit(want.MaxBytes))
	case is.MaxAge != want.MaxAge:
		return fmt.Sprintf("it keeps messages for %s, not for %s; 0s is for ever", is.MaxAge, want.MaxAge)
	}
	return ""
}

// notAdopted says why a stream is not taken over, once for each reason.
func (h *holder) notAdopted(id uint64, c *meshosv1.SetChain, err error) {
	h.mu.Lock()
	said := h.short[id]
	h.short[id] = err.Error()
	h.mu.Unlock()
	if said != err.Error() {
		h.failures.add(fmt.Sprintf("chain:%d", id), fmt.Sprintf(
			"chain %d (%s): the stream %s is not taken over: %v; it is as it was, and that is tried again each minute. `meshos chain delete %d` gives up, and leaves the stream alone",
			id, c.GetName(), streamOf(c), err, id))
	}
}

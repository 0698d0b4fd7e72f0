package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// tryAgainAfter is when an action is tried again that can't be carried out now.
const tryAgainAfter = 5 * time.Second

func later(format string, args ...any) error {
	return pluginsdk.UnavailableAfter(fmt.Errorf(format, args...), tryAgainAfter)
}

// Dispatch carries out an action about a chain. One that changes who holds it has been carried
// out once the engine has; a move goes on if the host does not wait that long, and the next try
// waits for the same one.
func (n *node) Dispatch(ctx context.Context, _ uint64, action *meshosv1.Action) ([]*meshosv1.Event, error) {
	if !n.cfg.Chains {
		return nil, pluginsdk.FailedPrecondition(errors.New("this node holds no chains: set chains = true in the configuration of mesh-nats"))
	}
	h := n.holder.Load()
	if h == nil {
		return nil, later("the seed of this node does not run")
	}
	switch k := action.GetKind().(type) {
	case *meshosv1.Action_RequestPlacement:
		return nil, h.place(ctx, k.RequestPlacement)
	case *meshosv1.Action_RequestEviction:
		return nil, h.evict(ctx, k.RequestEviction)
	case *meshosv1.Action_PullReplica:
		return nil, h.pull(ctx, k.PullReplica.GetChain())
	case *meshosv1.Action_TransferLeader:
		return nil, h.handOver(ctx, k.TransferLeader)
	case *meshosv1.Action_DropReplica:
		if _, holds := h.held.now()[k.DropReplica.GetChain()]; holds {
			return nil, later("the node that leads chain %d gives the replica to another one first", k.DropReplica.GetChain())
		}
		return nil, nil
	}
	return nil, pluginsdk.Invalid(errors.New("only actions about chains can be carried out"))
}

// led returns a chain, and how its stream is. The error says why this node changes nothing of it.
func (h *holder) led(ctx context.Context, chain uint64) (*meshosv1.SetChain, chains.Info, error) {
	c := h.members.Load().chains[chain]
	if c == nil || c.GetDeleted() {
		return nil, chains.Info{}, pluginsdk.NotFound(fmt.Errorf("the mesh has no chain %d", chain))
	}
	i, err := h.client.Info(ctx, streamOf(c))
	switch {
	case err != nil:
		return nil, i, later("chain %d: %w", chain, err)
	case i.Leader != hubName(h.id):
		return nil, i, later("chain %d is led by %q", chain, i.Leader)
	}
	return c, i, nil
}

// place has one more node hold a chain, or another one in place of a holder.
func (h *holder) place(ctx context.Context, a *meshosv1.RequestPlacement) error {
	// What is under way may be what this asked for before, or something else, such as a stream that
	// is taken over.
	if m := h.underWay(a.GetChain()); m != nil {
		if err := h.await(ctx, m); err != nil || placesOn(m.change, a.GetTarget()) {
			return err
		}
	}
	c, i, err := h.led(ctx, a.GetChain())
	if err != nil {
		return err
	}
	change := chains.Change{Stream: streamOf(c), Self: hubName(h.id), Kind: chains.Grow, Replicas: i.Replicas + 1}
	victim := ""
	if r := a.GetReplaces(); r != 0 && i.Holds(hubName(r)) {
		victim = hubName(r)
	} else if i.Replicas >= int(c.GetReplicas()) {
		victim = h.victim(i)
	}
	if victim != "" {
		change.Kind, change.Victim, change.Replicas = chains.Swap, victim, 0
	}
	target := a.GetTarget()
	if c.GetSpread() != "" && h.there(time.Now())[target] == nil {
		target = 0 // the host does not know who may hold chains
	}
	if target == 0 {
		if target = h.choose(c, i, victim, a.GetExclude()); target == 0 {
			return later("no other node takes a replica of chain %d", a.GetChain())
		}
	}
	if i.Holds(hubName(target)) {
		return nil
	}
	if left := h.shuns(a.GetChain(), target); left > 0 {
		return pluginsdk.UnavailableAfter(fmt.Errorf("a move of chain %d to %s was aborted, and is not begun again for %s",
			a.GetChain(), h.nameOf(target), left.Round(time.Second)), left)
	}
	change.Targets = []string{hubName(target)}
	return h.await(ctx, h.beginMove(a.GetChain(), change))
}

// placesOn reports whether a change gives a node a replica, any node if it is 0. One that was
// begun elsewhere may.
func placesOn(change chains.Change, node uint64) bool {
	switch change.Kind {
	case chains.Grow, chains.Swap:
		return node == 0 || slices.Contains(change.Targets, hubName(node))
	case chains.Follow:
		return node == 0
	}
	return false
}

// evict takes a chain away from a holder.
func (h *holder) evict(ctx context.Context, a *meshosv1.RequestEviction) error {
	// What is under way may be something else, such as a change that another leader began.
	if m := h.underWay(a.GetChain()); m != nil {
		if err := h.await(ctx, m); err != nil {
			return err
		}
	}
	c, i, err := h.led(ctx, a.GetChain())
	if err != nil {
		return err
	}
	change := chains.Change{Stream: streamOf(c), Self: hubName(h.id)}
	switch victim := hubName(a.GetVictim()); {
	case !i.Holds(victim):
		return nil
	case i.Replicas > int(c.GetReplicas()): // the engine chooses, and the core looks again
		change.Kind, change.Replicas = chains.Shrink, i.Replicas-1
	default:
		target := h.choose(c, i, victim, nil)
		if target == 0 {
			return later("no other node takes a replica of chain %d", a.GetChain())
		}
		change.Kind, change.Victim, change.Targets = chains.Swap, victim, []string{hubName(target)}
	}
	return h.await(ctx, h.beginMove(a.GetChain(), change))
}

// pull asks whoever leads a chain for a replica, and waits until this node has it.
func (h *holder) pull(ctx context.Context, chain uint64) error {
	c := h.members.Load().chains[chain]
	if c == nil || c.GetDeleted() {
		return pluginsdk.NotFound(fmt.Errorf("the mesh has no chain %d", chain))
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	for {
		i, err := h.client.Info(ctx, streamOf(c))
		self := hubName(h.id)
		switch p := slices.IndexFunc(i.Peers, func(p chains.Peer) bool { return p.Name == self }); {
		case err != nil:
			return later("chain %d: %w", chain, err)
		case p >= 0 && i.Peers[p].Current && !i.Peers[p].Pending:
			h.held.poke()
			return nil
		case p < 0 && !i.Changing:
			if err := h.askPull(ctx, chain, seedOf(i.Leader)); err != nil {
				return err
			}
		}
		if !sleep(ctx, chains.LookEvery) {
			return pluginsdk.UnavailableAfter(fmt.Errorf("chain %d is on its way here", chain), lookAtMoveIn)
		}
	}
}

func (h *holder) askPull(ctx context.Context, chain, leader uint64) error {
	if leader == 0 {
		return later("chain %d has no leader", chain)
	}
	if why := h.agree(chain, false); why != "" {
		return later("chain %d: %s", chain, why)
	}
	return h.requestPull(ctx, chain, leader)
}

// victim returns the holder that another one takes the place of: one that is not there, else the
// one that leads least: not this node. "" if there is no other.
func (h *holder) victim(i chains.Info) string {
	var rest []string
	for _, p := range i.Peers {
		switch {
		case p.Name == hubName(h.id) || p.Pending:
		case p.Offline || !p.Current:
			return p.Name
		default:
			rest = append(rest, p.Name)
		}
	}
	if len(rest) == 0 {
		return ""
	}
	return slices.Max(rest)
}

// choose returns the roomier of two nodes drawn from those that take replicas, and that crowd
// least if the chain is spread; 0 if there is none.
func (h *holder) choose(c *meshosv1.SetChain, i chains.Info, victim string, exclude []uint64) (target uint64) {
	now := time.Now()
	open := h.open(now)
	over := h.among(c, i, victim, h.there(now))
	defer func() {
		if target != 0 {
			over.take(target)
			h.sayShared(c.GetChain(), over)
		}
	}()
	candidates := slices.DeleteFunc(slices.Sorted(maps.Keys(open)), func(id uint64) bool {
		return slices.Contains(exclude, id) || h.shuns(c.GetChain(), id) > 0 || slices.ContainsFunc(i.Peers, func(p chains.Peer) bool { return p.Name == hubName(id) })
	})
	if candidates = over.best(candidates); len(candidates) == 0 {
		return 0
	}
	a, b := candidates[rand.IntN(len(candidates))], candidates[rand.IntN(len(candidates))]
	if open[b].GetHeld() < open[a].GetHeld() || open[b].GetHeld() == open[a].GetHeld() && open[b].GetFree() > open[a].GetFree() {
		return b
	}
	return a
}

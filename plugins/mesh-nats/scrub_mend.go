package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	"github.com/meshos/meshos/plugins/mesh-nats/internal/engine"
	"github.com/meshos/meshos/plugins/mesh-nats/internal/scrub"
	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// mend has the rotten replicas of a chain copied anew, one after the other. If this node's own is
// one of them, another node has to lead first.
func (s *scrubber) mend(ctx context.Context, id uint64, c *meshosv1.SetChain, i chains.Info, verdict scrub.Verdict) {
	rotten := map[uint64]string{}
	for _, f := range verdict.Bad {
		rotten[f.Holder] = f.Why
	}
	if why, own := rotten[s.id]; own {
		s.handOver(ctx, id, c, i, rotten, why)
		return
	}
	for _, f := range verdict.Bad {
		if ctx.Err() != nil {
			return
		}
		s.mu.Lock()
		again := time.Since(s.mended[replicaOf{id, f.Holder}]) < mendAgain
		s.mu.Unlock()
		if again {
			s.sayOnce(id, c, fmt.Sprintf("the replica of %s has rotted again: %s; it was copied anew a moment ago, so its disk or memory is bad: drain the node and look", s.nameOf(f.Holder), f.Why))
			continue
		}
		s.fail(id, c, fmt.Sprintf("the replica of %s has rotted: %s; it is copied anew from %s", s.nameOf(f.Holder), f.Why, s.nameOf(s.id)))
		if err := s.replace(ctx, id, c, f.Holder); err != nil {
			s.log.Warn("a rotten replica is not replaced, and that is tried again", "chain", id, "holder", s.nameOf(f.Holder), "error", err)
			continue
		}
		s.mu.Lock()
		s.mended[replicaOf{id, f.Holder}] = time.Now()
		s.mu.Unlock()
		s.log.Info("a rotten replica was copied anew", "chain", id, "holder", s.nameOf(f.Holder))
	}
}

// handOver has a holder lead whose replica is whole: it sees to this node's own.
func (s *scrubber) handOver(ctx context.Context, id uint64, c *meshosv1.SetChain, i chains.Info, rotten map[uint64]string, why string) {
	for _, p := range i.Peers {
		holder := seedOf(p.Name)
		if _, is := rotten[holder]; is || holder == s.id || !p.Current || p.Offline || p.Pending {
			continue
		}
		s.fail(id, c, fmt.Sprintf("the replica of %s, which leads, has rotted: %s; %s is to lead, and to copy it anew", s.nameOf(s.id), why, s.nameOf(holder)))
		m := s.beginMove(id, chains.Change{Kind: chains.Handover, Stream: streamOf(c), Self: hubName(s.id), Targets: []string{p.Name}})
		if err := s.await(ctx, m); err != nil {
			s.log.Warn("a leader with a rotten replica still leads", "chain", id, "error", err)
			continue
		}
		s.tellLeader(id, holder)
		return
	}
	s.sayOnce(id, c, fmt.Sprintf("the replica of %s, which leads, has rotted: %s; no other holder is complete and there", s.nameOf(s.id), why))
}

// replace has a replica copied anew: another node gets it and gives it back, or the node itself
// begins again with nothing where there is no other.
func (s *scrubber) replace(ctx context.Context, id uint64, c *meshosv1.SetChain, victim uint64) error {
	i, err := s.client.Info(ctx, streamOf(c))
	if err != nil {
		return err
	}
	target := s.choose(c, i, hubName(victim), nil)
	if target == 0 {
		return s.renewThere(ctx, id, i, victim)
	}
	swap := func(from, to uint64) error {
		return s.await(ctx, s.beginMove(id, chains.Change{
			Kind: chains.Swap, Stream: streamOf(c), Self: hubName(s.id), Victim: hubName(from), Targets: []string{hubName(to)},
		}))
	}
	if err := swap(victim, target); err != nil {
		return err
	}
	s.sayAnew(id, victim)
	s.sayAnew(id, target)
	if _, open := s.open(time.Now())[victim]; !open {
		return nil // it stays where it is
	}
	if err := swap(target, victim); err != nil {
		s.log.Info("a replica stays where it was copied to", "chain", id, "holder", s.nameOf(target), "error", err)
	}
	return nil
}

// renewThere has a node begin again with nothing of a chain. All others have to be complete.
func (s *scrubber) renewThere(ctx context.Context, id uint64, i chains.Info, victim uint64) error {
	for _, p := range i.Peers {
		if p.Name != hubName(victim) && (!p.Current || p.Offline || p.Pending) {
			return fmt.Errorf("%s does not have all of it now", p.Name)
		}
	}
	if len(i.Peers) < 3 {
		return errors.New("there is only one other replica, and no other node takes one")
	}
	answer := &natsv1.Replica{}
	if err := s.request(ctx, subjectScrub(victim, s.id), &natsv1.Scrub{Chain: id, Renew: true}, answer); err != nil {
		return err
	}
	if answer.GetWhy() != "" {
		return errors.New(answer.GetWhy())
	}
	return nil
}

func (s *scrubber) sayAnew(id, holder uint64) {
	s.say(subjectScrub(holder, s.id), &natsv1.Scrub{Chain: id, Anew: true})
}

// hear answers what another node asks about replicas.
func (s *scrubber) hear(m *nats.Msg) {
	asked := &natsv1.Scrub{}
	if proto.Unmarshal(m.Data, asked) != nil {
		return
	}
	switch id := asked.GetChain(); {
	case asked.GetAnew():
		s.forget(id)
	case asked.GetSuspect():
		s.suspects(id)
	case asked.GetRenew():
		s.respond(m, &natsv1.Replica{Why: s.renew(id)})
	default:
		s.respond(m, s.own(id))
	}
}

// renew has the server of this node start again without its replica of a chain, and returns why it
// does not, or "".
func (s *scrubber) renew(id uint64) (why string) {
	i, held := s.held.now()[id]
	c := s.members.Load().chains[id]
	switch {
	case !held || c == nil:
		return "it does not hold the chain"
	case i.Leader == hubName(s.id):
		return "it leads the chain"
	case !s.mayRestart():
		return "it leads chains, or another change is under way: later"
	}
	folders, err := engine.Folders(s.srv, s.account(), streamOf(c))
	if err != nil {
		return err.Error()
	}
	s.node.renew.add(folders...)
	return ""
}

// mayRestart reports whether nobody misses the server of this node for a moment.
func (s *scrubber) mayRestart() bool {
	s.holder.mu.Lock()
	defer s.holder.mu.Unlock()
	return len(s.moves) == 0
}

// fail has the host record that something is wrong with a chain.
func (s *scrubber) fail(id uint64, c *meshosv1.SetChain, why string) {
	s.log.Warn("a replica of a chain has rotted", "chain", id, "name", c.GetName(), "why", why)
	s.failures.add(fmt.Sprintf("chain:%d", id), fmt.Sprintf("chain %d (%s): %s", id, c.GetName(), why))
}

// sayOnce says what is wrong and can't be mended, once until all is well.
func (s *scrubber) sayOnce(id uint64, c *meshosv1.SetChain, why string) {
	s.mu.Lock()
	was := s.said[id]
	s.said[id] = why
	s.mu.Unlock()
	if was == "" {
		s.fail(id, c, why)
	}
}

func (s *scrubber) allIsWell(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.said, id)
}

package main

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	"github.com/meshos/meshos/plugins/mesh-nats/internal/engine"
	"github.com/meshos/meshos/plugins/mesh-nats/internal/scrub"
	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	scrubEvery = time.Minute      // all is looked at once in that time, if the bytes allow it
	scrubLook  = time.Second      // between the looks that have to agree
	mendAgain  = 10 * time.Minute // a replica of a node that was copied anew rots again: its disk is bad
	sumsMost   = 50_000           // windows that a node says of one replica, the newest
)

// scrubber looks for replicas that have rotted: this node reads its own, and compares those of
// the chains that it leads.
type scrubber struct {
	*holder
	pace  *scrub.Pace
	every time.Duration
	look  chan struct{} // a chain that this node leads is suspect

	mu      sync.Mutex
	copies  map[uint64]*ownCopy // by chain
	suspect map[uint64]bool     // are looked at first
	mended  map[replicaOf]time.Time
	ends    map[uint64][]scrub.View // where the replicas ended last time
	said    map[uint64]string       // what is known to be wrong with a chain and can't be mended
}

type replicaOf struct{ chain, holder uint64 }

// ownCopy is what was found of a replica of this node.
type ownCopy struct {
	read scrub.Copy
	done bool // it was read to its end
	anew int  // how often it was copied anew while this process runs
}

func newScrubber(h *holder) *scrubber {
	return &scrubber{
		holder: h, pace: scrub.NewPace(max(1, h.cfg.ChainsScrub)), every: h.scrubEvery, look: make(chan struct{}, 1),
		copies: map[uint64]*ownCopy{}, suspect: map[uint64]bool{}, mended: map[replicaOf]time.Time{}, ends: map[uint64][]scrub.View{}, said: map[uint64]string{},
	}
}

// run looks for rot until ctx ends.
func (s *scrubber) run(ctx context.Context) {
	var reading sync.WaitGroup
	defer reading.Wait()
	reading.Go(func() { s.readOwn(ctx) })
	for {
		began := time.Now()
		s.compareAll(ctx)
		timer := time.NewTimer(time.Until(began.Add(s.every)))
		select {
		case <-timer.C:
		case <-s.look:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// readOwn reads the replicas of this node, one after the other.
func (s *scrubber) readOwn(ctx context.Context) {
	for {
		began := time.Now()
		s.forgetGone()
		for _, id := range slices.Sorted(maps.Keys(s.held.now())) {
			if c := s.members.Load().chains[id]; c != nil && !c.GetDeleted() {
				s.readOne(ctx, id, c)
			}
		}
		if !sleep(ctx, max(time.Until(began.Add(s.every)), 0)) {
			return
		}
	}
}

// readOne reads the replica of a chain, and tells whoever leads it if there is something wrong.
func (s *scrubber) readOne(ctx context.Context, id uint64, c *meshosv1.SetChain) {
	before := s.copyOf(id).anew
	read, err := engine.ReadBlocks(ctx, engine.StreamDir(s.srv, s.account(), streamOf(c)), streamOf(c), s.pace.Take)
	switch {
	case ctx.Err() != nil || errors.Is(err, fs.ErrNotExist): // it has only just come, or goes
		return
	case err != nil:
		s.log.Warn("a replica can't be read to look for rot", "chain", id, "error", err)
		return
	}
	s.mu.Lock()
	own := s.copies[id]
	if own == nil || own.anew != before {
		s.mu.Unlock()
		return
	}
	own.read, own.done = read, true
	s.mu.Unlock()
	if len(read.Faults) > 0 {
		s.tellLeader(id, seedOf(s.held.now()[id].Leader))
	}
}

// copyOf returns what is known of the replica of a chain, which is nothing at first.
func (s *scrubber) copyOf(id uint64) ownCopy {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.copies[id] == nil {
		s.copies[id] = &ownCopy{}
	}
	return *s.copies[id]
}

// forget drops what is known of the replica of a chain: it was copied anew.
func (s *scrubber) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.copies[id]; c != nil {
		s.copies[id] = &ownCopy{anew: c.anew + 1}
	}
}

// forgetGone drops what is known of replicas that are not here any more.
func (s *scrubber) forgetGone() {
	held := s.held.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, c := range s.copies {
		if _, is := held[id]; !is {
			s.copies[id] = &ownCopy{anew: c.anew + 1}
			delete(s.ends, id)
		}
	}
}

// tellLeader has the node that leads a chain look at its replicas soon.
func (s *scrubber) tellLeader(id, leader uint64) {
	switch leader {
	case 0:
	case s.id:
		s.suspects(id)
	default:
		s.say(subjectScrub(leader, s.id), &natsv1.Scrub{Chain: id, Suspect: true})
	}
}

func (s *scrubber) suspects(id uint64) {
	s.mu.Lock()
	s.suspect[id] = true
	s.mu.Unlock()
	poke(s.look)
}

// own returns how the replica of this node is.
func (s *scrubber) own(id uint64) *natsv1.Replica {
	i, held := s.held.now()[id]
	if !held {
		return &natsv1.Replica{}
	}
	r := &natsv1.Replica{Held: true, First: i.First, Last: i.Last, Messages: i.Messages, Lost: i.Lost}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.copies[id]
	if c == nil || !c.done {
		return r
	}
	r.Read, r.Faults = true, c.read.Faults
	windows := slices.Sorted(maps.Keys(c.read.Sums))
	for _, at := range windows[max(0, len(windows)-sumsMost):] {
		sum := c.read.Sums[at]
		r.Sums = append(r.Sums, &natsv1.WindowSum{Window: at, Messages: sum.Messages, Sum: sum.Sum})
	}
	return r
}

// compareAll compares the replicas of all chains that this node leads, first those that are suspect.
func (s *scrubber) compareAll(ctx context.Context) {
	s.mu.Lock()
	first := slices.Sorted(maps.Keys(s.suspect))
	clear(s.suspect)
	s.mu.Unlock()
	for _, id := range slices.Concat(first, slices.Sorted(maps.Keys(s.held.now()))) {
		if ctx.Err() != nil {
			return
		}
		if i := s.held.now()[id]; i.Leader == hubName(s.id) && !i.Changing && s.underWay(id) == nil {
			s.compare(ctx, id)
		}
	}
}

// compare compares the replicas of one chain, and has what is rotten copied anew.
func (s *scrubber) compare(ctx context.Context, id uint64) {
	c := s.members.Load().chains[id]
	if c == nil || c.GetDeleted() {
		return
	}
	var looks [][]scrub.View
	for range scrub.Looks {
		i := s.held.now()[id]
		views := s.views(ctx, id, i)
		if looks = append(looks, views); len(looks) == 1 && !s.suspicious(id, views) {
			s.allIsWell(id)
			return
		}
		if !sleep(ctx, scrubLook) {
			return
		}
		if i = s.held.now()[id]; i.Changing || i.Leader != hubName(s.id) {
			return // who holds it changes, or who compares
		}
	}
	i, err := s.client.Info(ctx, streamOf(c))
	if err != nil || i.Changing {
		return
	}
	holders := len(i.Peers)
	verdict := scrub.Judge(holders, looks)
	switch {
	case verdict.Unknown != "":
		s.sayOnce(id, c, verdict.Unknown+"; nothing is done about it: look with `nats stream` at what is in it, and give the replica that is wrong to another node")
	case len(verdict.Bad) == 0:
		s.allIsWell(id)
	default:
		s.mend(ctx, id, c, i, verdict)
	}
}

// suspicious reports whether replicas have to be looked at more closely, and keeps where they end
// for the next time.
func (s *scrubber) suspicious(id uint64, views []scrub.View) bool {
	var ends []scrub.View
	for _, v := range views {
		ends = append(ends, scrub.View{Holder: v.Holder, Last: v.Last})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.ends[id]
	s.ends[id] = ends
	return scrub.Suspicious(views, before)
}

// views asks all holders of a chain how their replicas are.
func (s *scrubber) views(ctx context.Context, id uint64, i chains.Info) (out []scrub.View) {
	for _, p := range i.Peers {
		holder := seedOf(p.Name)
		r := &natsv1.Replica{}
		if holder == s.id {
			r = s.own(id)
		} else if p.Pending || p.Offline || !p.Current || s.request(ctx, subjectScrub(holder, s.id), &natsv1.Scrub{Chain: id}, r) != nil {
			continue
		}
		if r.GetHeld() {
			out = append(out, viewOf(holder, r))
		}
	}
	return out
}

func viewOf(holder uint64, r *natsv1.Replica) scrub.View {
	v := scrub.View{
		Holder: holder, First: r.GetFirst(), Last: r.GetLast(), Messages: r.GetMessages(), Lost: r.GetLost(), Read: r.GetRead(),
		Copy: scrub.Copy{Faults: r.GetFaults(), Sums: map[uint64]scrub.Sum{}},
	}
	for _, w := range r.GetSums() {
		v.Sums[w.GetWindow()] = scrub.Sum{Messages: w.GetMessages(), Sum: w.GetSum()}
	}
	return v
}

package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	"github.com/meshos/meshos/plugins/mesh-nats/internal/engine"
)

const (
	holdEvery   = time.Second      // beats of nodes that hold chains
	holderLost  = 3 * holdEvery    // such a node is not there any more
	consentFor  = time.Minute      // a node that agreed drops the tag after that, whatever happens
	answerIn    = time.Second      // a question of one node to another
	ownEvery    = 2 * holdEvery    // this node reads what it holds
	stillFor    = 60 * time.Second // a move that stands still for so long is taken back
	goneWithin  = 60 * time.Second // a leader that gives its replica up is out of it
	lookAgain   = time.Minute      // whether streams are there, at least
	atOnce      = 20               // streams that one node creates or looks for in a second
	askedWithin = 30 * time.Second // a host that wants to hear of chains asks
	createAfter = 3 * holdEvery    // all who may hold chains were heard by then
)

// holder is what a hub is beside the log, if it may hold chains.
type holder struct {
	*hub
	client *engine.Client
	tags   *engine.Tags
	began  time.Time
	moving sync.WaitGroup
	ctx    context.Context // of its run: moves go on after whoever asked for them has left

	mu       sync.Mutex
	others   map[uint64]otherHolder
	moves    map[uint64]*moveUnderWay // by chain
	reminded bool
	short    map[uint64]string // chains that can't be created, and why that was said
	shared   map[uint64]string // chains whose replicas are not spread, and how that was said
	settled  map[uint64]settledChain
	shunned  map[chainTo]time.Time // moves that were aborted, until they may be begun again
	ended    bool                  // it begins nothing more

	// Streams that chains name and that were not taken over yet; of the goroutine of run.
	unadopted  map[uint64]chains.Info
	adoptAfter map[uint64]time.Time

	full    bool            // the disk is, and that was said; of the goroutine of run
	crowded map[uint64]bool // chains that no other node takes from a full one, which was said
}

func newHolder(h *hub, opts *server.Options) *holder {
	return &holder{
		hub: h, client: engine.NewClient(h.nc), tags: engine.NewTags(h.srv, opts), began: time.Now(),
		others: map[uint64]otherHolder{}, moves: map[uint64]*moveUnderWay{}, short: map[uint64]string{}, shared: map[uint64]string{}, settled: map[uint64]settledChain{}, shunned: map[chainTo]time.Time{},
		adoptAfter: map[uint64]time.Time{}, crowded: map[uint64]bool{},
	}
}

// run looks after chains until ctx ends.
func (h *holder) run(ctx context.Context) error {
	h.ctx = ctx
	defer h.sayEnd()
	defer h.endMoves()
	for subject, take := range map[string]nats.MsgHandler{
		"m.holder.*":                        h.hearHolder,
		advisories:                          h.hearAdvisory,
		fmt.Sprintf("m.consent.%d.*", h.id): h.hearConsent,
		fmt.Sprintf("m.pull.%d.*", h.id):    h.hearPull,
	} {
		if _, err := h.nc.Subscribe(subject, take); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	if h.cfg.ChainsScrub > 0 {
		s := newScrubber(h)
		if _, err := h.nc.Subscribe(fmt.Sprintf("m.scrub.%d.*", h.id), s.hear); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		var scrubbing sync.WaitGroup
		scrubCtx, end := context.WithCancel(ctx)
		defer scrubbing.Wait()
		defer end()
		scrubbing.Go(func() { s.run(scrubCtx) })
	}
	h.node.holder.Store(h)
	defer h.node.holder.Store(nil)
	var read time.Time
	for {
		now := time.Now()
		h.say(subjectHolder(h.id), h.beat())
		if over, err := h.tags.Expire(now); err != nil {
			return err
		} else if over != nil {
			h.log.Warn("agreed to hold chains, and nobody made use of it", "tags", over)
		}
		if now.Sub(read) >= ownEvery || h.held.poked() || len(h.tags.Borne()) > 0 {
			read = now
			if err := h.readOwn(); err != nil {
				h.log.Warn("what this node holds can't be read", "error", err)
			}
		}
		if !h.held.asked() && now.Sub(h.began) > askedWithin {
			h.remind()
		}
		h.follow()
		h.sayFull()
		h.leaveFull(now)
		h.adopt(now)
		h.createAndDelete(now)
		if !h.pause(ctx) {
			return nil
		}
	}
}

// remind says once that the host does not hear of chains.
func (h *holder) remind() {
	if !h.reminded {
		h.reminded = true
		h.log.Warn(`this node holds chains and its host is not told of them: add kinds = ["mesh", "health_probe", "actuator", "event_source", "migration_source", "migration_aborter"] to the entry of mesh-nats`)
	}
}

// account is where the streams are.
func (h *holder) account() string { return h.srv.GlobalAccount().GetName() }

// readOwn reads what this node's server holds.
func (h *holder) readOwn() error {
	own, err := engine.Own(h.srv, h.account())
	if err != nil {
		return err
	}
	byStream := map[string]uint64{}
	for id, c := range h.members.Load().chains {
		if other, is := byStream[streamOf(c)]; !is || h.members.Load().chains[other].GetDeleted() {
			byStream[streamOf(c)] = id // what one chain gave up, another one may have taken over
		}
	}
	now := map[uint64]chains.Info{}
	h.unadopted = map[uint64]chains.Info{}
	for _, one := range own {
		switch id, is := byStream[one.Stream]; {
		case is && !slices.Contains(one.Tags, tagOf(id)):
			h.unadopted[id] = one.Info
		case is:
			now[id] = one.Info
		}
	}
	h.held.set(now)
	return nil
}

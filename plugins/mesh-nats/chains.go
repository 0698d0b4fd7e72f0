package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	"github.com/meshos/meshos/plugins/mesh-nats/internal/engine"
	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
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
	settled  map[uint64]settledChain
	ended    bool // it begins nothing more
}

// settledChain is what was found of a chain's stream.
type settledChain struct {
	deleted bool
	until   time.Time // then it is looked at again
}

// otherHolder is what another node that may hold chains said last; this one is among them.
type otherHolder struct {
	heard time.Time
	beat  *natsv1.HolderBeat
}

// moveUnderWay is a change that this node makes. It ends when done is closed.
type moveUnderWay struct {
	change chains.Change
	done   chan struct{}
	err    error // meaningful once done is closed
}

func newHolder(h *hub, opts *server.Options) *holder {
	return &holder{
		hub: h, client: engine.NewClient(h.nc), tags: engine.NewTags(h.srv, opts), began: time.Now(),
		others: map[uint64]otherHolder{}, moves: map[uint64]*moveUnderWay{}, short: map[uint64]string{}, settled: map[uint64]settledChain{},
	}
}

// run looks after chains until ctx ends.
func (h *holder) run(ctx context.Context) error {
	h.ctx = ctx
	defer h.endMoves()
	for subject, take := range map[string]nats.MsgHandler{
		"m.holder.*":                        h.hearHolder,
		fmt.Sprintf("m.consent.%d.*", h.id): h.hearConsent,
		fmt.Sprintf("m.pull.%d.*", h.id):    h.hearPull,
	} {
		if _, err := h.nc.Subscribe(subject, take); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
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
		if now.Sub(read) >= ownEvery || h.held.poked() {
			read = now
			if err := h.readOwn(); err != nil {
				h.log.Warn("what this node holds can't be read", "error", err)
			}
		}
		if !h.held.asked() && now.Sub(h.began) > askedWithin {
			h.remind()
		}
		h.follow()
		h.createAndDelete(now)
		if !sleep(ctx, holdEvery) {
			return nil
		}
	}
}

// remind says once that the host does not hear of chains.
func (h *holder) remind() {
	if !h.reminded {
		h.reminded = true
		h.log.Warn(`this node holds chains and its host is not told of them: add kinds = ["mesh", "health_probe", "actuator", "event_source"] to the entry of mesh-nats`)
	}
}

// endMoves waits for all that was begun. Nothing more is.
func (h *holder) endMoves() {
	h.mu.Lock()
	h.ended = true
	h.mu.Unlock()
	h.moving.Wait()
}

// spawn runs something that endMoves waits for.
func (h *holder) spawn(run func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended {
		h.moving.Go(run)
	}
}

// beat returns what this node says as one that may hold chains.
func (h *holder) beat() *natsv1.HolderBeat {
	held, bytes := h.held.size()
	b := &natsv1.HolderBeat{Held: uint32(held), Free: uint64(max(0, h.cfg.ChainsBytes-int64(bytes)))}
	self := h.teller.now()
	switch {
	case self.GetPhase() > meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE:
		b.Closed, b.Why = true, "it is in maintenance"
	case self.GetDraining():
		b.Closed, b.Why = true, "it drains"
	case self.GetCordoned():
		b.Closed, b.Why = true, "it is cordoned"
	case held >= h.cfg.ChainsMost:
		b.Closed, b.Why = true, fmt.Sprintf("it holds %d chains, as chains_most says", held)
	case b.Free == 0:
		b.Closed, b.Why = true, fmt.Sprintf("its chains have %d bytes, as chains_bytes says", bytes)
	}
	return b
}

func (h *holder) hearHolder(m *nats.Msg) {
	beat := &natsv1.HolderBeat{}
	if _, id, _ := split(m.Subject); proto.Unmarshal(m.Data, beat) == nil && h.known(id) {
		h.mu.Lock()
		h.others[id] = otherHolder{time.Now(), beat}
		h.mu.Unlock()
	}
}

// open returns the nodes that are there and take replicas, with what they said.
func (h *holder) open(now time.Time) map[uint64]*natsv1.HolderBeat {
	out := map[uint64]*natsv1.HolderBeat{}
	for id, beat := range h.there(now) {
		if !beat.GetClosed() {
			out[id] = beat
		}
	}
	return out
}

// there returns the nodes that may hold chains and are there.
func (h *holder) there(now time.Time) map[uint64]*natsv1.HolderBeat {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[uint64]*natsv1.HolderBeat{}
	for id, o := range h.others {
		if now.Sub(o.heard) < holderLost && h.known(id) {
			out[id] = o.beat
		}
	}
	return out
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
		byStream[streamOf(c)] = id
	}
	now := map[uint64]chains.Info{}
	for _, one := range own {
		if id, is := byStream[one.Stream]; is {
			now[id] = one.Info
		}
	}
	h.held.set(now)
	return nil
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
			h.begin(id, chains.Change{Stream: streamOf(c)}, func(ctx context.Context) error {
				err := h.client.Delete(ctx, streamOf(c))
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
	chosen := ranked(id, slices.Collect(maps.Keys(open)))
	if len(chosen) == 0 || slices.Min(chosen[:min(replicas, len(chosen))]) != h.id {
		return false
	}
	change := chains.Change{Kind: chains.Create, Stream: streamOf(c), Self: hubName(h.id), Replicas: replicas}
	for _, n := range chosen[:min(replicas, len(chosen))] {
		change.Targets = append(change.Targets, hubName(n))
	}
	h.begin(id, change, func(ctx context.Context) error {
		switch _, err := h.client.Info(ctx, change.Stream); {
		case err == nil:
			h.settle(id, c)
			return nil
		case !errors.Is(err, engine.ErrNoStream):
			return nil // it may exist, and has no leader
		case len(change.Targets) < replicas:
			h.tooFew(id, fmt.Sprintf("it needs %d nodes that hold chains, and %d take replicas", replicas, len(change.Targets)))
			return nil
		}
		err := h.makeMove(ctx, id, change)
		if err == nil {
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

// follow goes on with changes of chains that this node leads and did not begin.
func (h *holder) follow() {
	for id, i := range h.held.now() {
		if i.Leader == hubName(h.id) && i.Changing && len(i.Desired) > 0 {
			if c := h.members.Load().chains[id]; c != nil {
				h.beginMove(id, chains.Change{Kind: chains.Follow, Stream: streamOf(c), Self: hubName(h.id)})
			}
		}
	}
}

// beginMove begins a change, unless one of the chain is under way: then that is returned.
func (h *holder) beginMove(id uint64, change chains.Change) *moveUnderWay {
	return h.begin(id, change, func(ctx context.Context) error { return h.makeMove(ctx, id, change) })
}

func (h *holder) begin(id uint64, change chains.Change, run func(context.Context) error) *moveUnderWay {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m := h.moves[id]; m != nil {
		return m
	}
	m := &moveUnderWay{change: change, done: make(chan struct{})}
	if h.ended {
		m.err = errors.New("this node ends")
		close(m.done)
		return m
	}
	h.moves[id] = m
	h.moving.Go(func() {
		m.err = run(h.ctx)
		if m.err != nil && h.ctx.Err() == nil {
			h.log.Warn("a change of a chain is not done", "chain", id, "change", change.String(), "error", m.err)
		}
		h.mu.Lock()
		delete(h.moves, id)
		h.mu.Unlock()
		h.held.poke()
		close(m.done)
	})
	return m
}

// makeMove makes a change: who gets a replica agrees first, and who leaves agrees to stay if it is
// taken back.
func (h *holder) makeMove(ctx context.Context, id uint64, change chains.Change) error {
	if change.Kind != chains.Shrink && change.Kind != chains.Follow && change.Kind != chains.Handover {
		for _, target := range change.Targets {
			defer h.release(id, seedOf(target))
			if why := h.consent(ctx, id, seedOf(target), false); why != "" {
				return &chains.RefusedError{Stream: change.Stream, Reason: fmt.Sprintf("%s does not agree: %s", h.nameOf(seedOf(target)), why)}
			}
		}
	}
	if victim := seedOf(change.Victim); victim != 0 {
		defer h.release(id, victim)
		_ = h.consent(ctx, id, victim, true) // one that is gone can't
	}
	var config *server.StreamConfig
	if c := h.members.Load().chains[id]; c != nil {
		config = streamConfig(c)
	}
	h.log.Info("changes who holds a chain", "chain", id, "change", change.String())
	err := h.client.Run(ctx, chains.New(change, stillFor, time.Now()), config, nil)
	var elsewhere *chains.ElsewhereError
	if errors.As(err, &elsewhere) && change.Victim == change.Self {
		return h.awaitGone(ctx, change)
	}
	return err
}

// awaitGone waits until this node is out of a chain that it led: who leads it now sees to that.
func (h *holder) awaitGone(ctx context.Context, change chains.Change) error {
	for began := time.Now(); time.Since(began) < goneWithin; {
		if i, err := h.client.Info(ctx, change.Stream); err == nil && !i.Changing && !i.Holds(change.Victim) {
			return nil
		}
		if !sleep(ctx, chains.LookEvery) {
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("%s is led elsewhere, and this node still holds it after %s", change.Stream, goneWithin)
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

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/engine"
	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
)

const (
	seedEvery  = 500 * time.Millisecond // seeds say to each other that they are there
	seedLost   = 3 * seedEvery
	routePings = 2 * time.Second
	viewAfter  = 20 * time.Millisecond // changes of so long are told together
	// storeExtra is what the store may have beside the log itself.
	storeExtra = 256 << 20
)

// hub is what a seed is beside a node: the server that keeps the log, and what the seed knows
// and says. Its goroutine owns the fields below.
type hub struct {
	*node
	srv    *server.Server
	opts   *server.Options
	nc     *nats.Conn
	gate   *gate
	keeper *keeper
	in     chan *nats.Msg

	began    time.Time
	ticked   time.Time
	sessions *sessions
	seeds    map[uint64]*otherSeed
	epoch    uint64
	number   uint64
	news     map[uint64]bool // nodes whose state is to be told
	flush    *time.Timer
	told     time.Time // when the state of the log was told last
	state    *natsv1.LogState
	behind   time.Time // since when somebody has more of the log than the log has
	routed   []linkKey // seeds that may be linked with this one since it started
	doubted  bool      // that so many sessions have ended, and it was said
	complete bool
	fresh    bool      // the store was empty at the start
	stuck    time.Time // since when the log can have no leader; zero: it can
}

// otherSeed is what another seed said last.
type otherSeed struct {
	heard time.Time
	beat  *natsv1.SeedBeat
	ended map[uint64]bool
}

// runHub runs the hub until ctx ends, once this node is a member or founds the mesh.
func (n *node) runHub(ctx context.Context) error {
	for {
		changed := n.membersChanged.wait()
		if n.mayHub() {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
	h := &hub{
		node: n, gate: newGate(n), in: make(chan *nats.Msg, 16384), began: time.Now(), ticked: time.Now(),
		sessions: newSessions(n.cfg.session()), seeds: map[uint64]*otherSeed{}, epoch: rand.Uint64(), news: map[uint64]bool{},
		state: &natsv1.LogState{}, routed: n.members.Load().routedKeys(),
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	defer h.stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.loop(ctx) })
	g.Go(func() error { return h.keeper.run(ctx) })
	if h.cfg.Chains {
		g.Go(func() error { return newHolder(h, h.opts).run(ctx) })
	}
	return g.Wait()
}

func (h *hub) start(ctx context.Context) (err error) {
	dir, err := h.storeDir()
	if err != nil {
		return err
	}
	if h.fresh, err = isEmpty(dir); err != nil {
		return fmt.Errorf("the seed's store: %w", err)
	}
	if err := removeAll(h.renew.take()); err != nil {
		return fmt.Errorf("drop rotten replicas: %w", err)
	}
	log := newNatsLog(h.log, "hub")
	host, port, _ := hostPort(h.cfg.Listen) // Validate has read it
	opts := &server.Options{
		ServerName: hubName(h.id),
		// Without a port for clients the server never begins to link with other seeds. Only the
		// client within the process knows the password.
		Host: "127.0.0.1", Port: server.RANDOM_PORT,
		NoSigs: true, MaxPayload: maxPayload, DisableJetStreamBanner: true,
		JetStream: true, StoreDir: dir, JetStreamDomain: hubDomain, SyncAlways: true,
		JetStreamMaxMemory: 1 << 20, JetStreamMaxStore: h.cfg.MaxLog + storeExtra,
		PingInterval: pingEvery, MaxPingsOut: lostPings,
		Tags: []string{"seed"},
		LeafNode: server.LeafNodeOpts{
			Host: host, Port: int(port), TLSConfig: h.identity.accepting(h.gate.checkLeaf), TLSTimeout: 5, TLSHandshakeFirst: true,
			AuthTimeout: 5, NoAdvertise: true, IsolateLeafnodeInterest: true, Compression: uncompressed(),
		},
		CustomClientAuthentication: h.gate,
		CustomRouterAuthentication: routes{h.gate},
	}
	h.opts = opts
	if h.cfg.Chains {
		opts.JetStreamMaxStore += h.cfg.ChainsBytes
	}
	if err := h.listen(opts, host, int(port)+1); err != nil {
		return err
	}
	engine.Sorted(opts)
	if h.srv, err = startServer(ctx, opts, log, func(srv *server.Server) { h.gate.srv = srv }); err != nil {
		reason, _ := log.lastError()
		return fmt.Errorf("start the seed's server on %s: %w (%s)", h.cfg.Listen, err, reason)
	}
	// A token, not a name: when its tags change, NATS cuts those off whose name it does not know.
	if h.nc, err = client(h.srv, h.log, nats.Token(h.gate.password), nats.CustomInboxPrefix("m.in.seed")); err != nil {
		h.stop()
		return err
	}
	for _, subject := range []string{"m.beat.*", "m.said.*", fmt.Sprintf("m.hello.%d.*", h.id), subjectReady(h.id), "m.seed.*", logged} {
		if _, err := h.nc.ChanSubscribe(subject, h.in); err != nil {
			h.stop()
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	// What leaves say to each other comes to the hub only if somebody here wants it.
	for _, subject := range []string{"m.ask.*.*", "m.answer.*.*"} {
		if _, err := h.nc.Subscribe(subject, func(*nats.Msg) {}); err != nil {
			h.stop()
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	h.keeper = newKeeper(h)
	poke(h.hubUp)
	return nil
}

func (h *hub) stop() {
	if h.nc != nil {
		h.nc.Close()
	}
	h.srv.Shutdown()
	h.srv.WaitForShutdown()
}

// loop owns the hub's state.
func (h *hub) loop(ctx context.Context) error {
	tick := time.NewTicker(seedEvery)
	defer tick.Stop()
	h.flush = time.NewTimer(time.Hour)
	h.flush.Stop()
	defer h.flush.Stop()
	for {
		members := h.membersChanged.wait()
		select {
		case <-ctx.Done():
			return nil
		case m := <-h.in:
			h.hear(m)
		case now := <-tick.C:
			if !h.srv.Running() || h.nc.IsClosed() {
				return errors.New("the seed's server has ended")
			}
			if !h.srv.JetStreamEnabled() {
				return errors.New("the seed's store has stopped: is the disk full?")
			}
			if err := h.tick(now); err != nil {
				return err
			}
		case <-h.flush.C:
			h.tell(time.Now())
		case <-h.keeper.changed:
			h.judge(time.Now())
		case <-h.renew.wanted:
			return errRenew
		case <-members:
			if err := h.dropMembers(); err != nil {
				return err
			}
		}
	}
}

// tick does what has to be done regularly. It fails if the hub has to start again.
func (h *hub) tick(now time.Time) error {
	if gap := now.Sub(h.ticked) - seedEvery; gap > seedLost {
		h.log.Warn("this seed stood still, and waits that much longer for everybody", "for", gap)
		h.sessions.wait(gap)
	}
	h.ticked = now
	h.gate.cut(now)
	for _, id := range h.sessions.silent(now, h.cfg.beatEvery()+settle) {
		h.changed(id)
	}
	h.sweep(now)
	h.complete = h.complete || h.knowsAll(now)
	if len(h.cfg.Seeds) > 1 {
		h.sayToSeeds(now)
		h.lookForLeader(now, h.keeper.leads())
	}
	h.judge(now)
	if now.Sub(h.told) >= h.cfg.beacon() {
		h.tell(now)
	}
	return h.leaveStuck(now)
}

// knowsAll reports whether everybody who is there has been heard.
func (h *hub) knowsAll(now time.Time) bool {
	if now.Sub(h.began) > h.cfg.session() {
		return true
	}
	for id := range h.members.Load().byID {
		if one := h.sessions.nodes[id]; one == nil || !one.begun {
			return false
		}
	}
	return true
}

// dropMembers ends what those have who are no members any more. NATS has no way to end one link
// with another seed, so the hub starts again for that.
func (h *hub) dropMembers() error {
	m := h.members.Load()
	h.gate.cut(time.Now())
	if len(m.byID) == 0 {
		return nil
	}
	for _, key := range h.routed {
		if !m.byKey[key].routed() && key != h.identity.key {
			return errors.New("a node that belonged to the cluster of seeds does not any more, and its links are cut")
		}
	}
	h.routed = m.routedKeys()
	for _, id := range h.sessions.keepOnly(func(id uint64) bool { _, known := m.byID[id]; return known }) {
		h.changed(id)
	}
	return nil
}

// hear takes one message.
func (h *hub) hear(m *nats.Msg) {
	kind, first, second := split(m.Subject)
	now := time.Now()
	switch kind {
	case "beat":
		h.hearBeat(now, first, m)
	case "said":
		said := &natsv1.Said{}
		if proto.Unmarshal(m.Data, said) == nil && h.known(first) && h.sessions.hear(now, first, said) {
			h.changed(first)
		}
	case "hello":
		h.answerHello(now, second, m)
	case "ready":
		h.judge(now)
		h.respond(m, h.logState(now, h.keeper.end()))
	case "seed":
		beat := &natsv1.SeedBeat{}
		if first != h.id && proto.Unmarshal(m.Data, beat) == nil {
			h.hearSeed(now, first, beat)
		}
	case "logged":
		if height, entry, err := entryOf(m); err == nil {
			h.keeper.logged(height, entry)
		}
	}
}

// known reports whether a node is a member, as far as that is known.
func (h *hub) known(id uint64) bool {
	m := h.members.Load()
	_, known := m.byID[id]
	return known || len(m.byID) == 0
}

func (h *hub) hearBeat(now time.Time, id uint64, m *nats.Msg) {
	beat := &natsv1.Beat{}
	if proto.Unmarshal(m.Data, beat) != nil || !h.known(id) {
		return
	}
	changed, lacks := h.sessions.beat(now, id, beat)
	if changed {
		h.changed(id)
	}
	if lacks {
		_ = h.nc.Publish(subjectResay(id), nil) // the next beat asks again
	}
	if m.Reply != "" {
		h.respond(m, &natsv1.Beat{})
	}
}

func (h *hub) respond(m *nats.Msg, answer proto.Message) {
	b, err := proto.Marshal(answer)
	if err == nil {
		err = m.Respond(b)
	}
	if err != nil {
		h.log.Debug("not answered", "subject", m.Subject, "error", err)
	}
}

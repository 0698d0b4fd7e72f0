package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/pluginsdk"
	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
)

const (
	pingEvery   = 10 * time.Second // on links of leaves: NATS itself waits for 2 minutes
	lostPings   = 2
	relinkEvery = 500 * time.Millisecond
	lookEvery   = 200 * time.Millisecond // whether the link is up
	silentAfter = 2 * time.Second        // a beacon may come late by that
	hangsAfter  = 6 * time.Second        // an answer, until the link is given up
	startWithin = 10 * time.Second       // a server
	maxPayload  = 1 << 20                // of one message
)

// leaf is this node's server, and what the node hears and says through it. Its goroutine owns
// the fields below.
type leaf struct {
	*node
	srv *server.Server
	nc  *nats.Conn
	in  chan *nats.Msg
	err *natsLog

	judged atomic.Pointer[verdict]

	cid      uint64 // of the link that is up; 0: none
	seed     uint64 // at the other end
	subs     []*nats.Subscription
	token    uint64 // of the hello that is not answered yet; 0: none
	greeted  time.Time
	epoch    uint64
	number   uint64          // of the last view
	complete bool            // the seed knew everybody
	here     map[uint64]bool // nodes that the answer to the hello named
	missed   []*natsv1.View  // views that came before it
	beat     time.Time       // of the last beat
	beaten   uint64          // its tick
	address  string          // of this node, as the seed sees it
	heard    time.Time       // the seed, or since when the link is up
}

// runLeaf runs the node's server until ctx ends.
func (n *node) runLeaf(ctx context.Context) error {
	l := &leaf{node: n, in: make(chan *nats.Msg, 8192)}
	if err := l.start(ctx); err != nil {
		return err
	}
	defer l.stop()
	l.node.link.Store(l)
	defer l.node.link.Store(nil)
	return l.loop(ctx)
}

func (l *leaf) start(ctx context.Context) (err error) {
	log := newNatsLog(l.log, "leaf")
	l.err = log
	opts := &server.Options{
		ServerName: l.leafName(), DontListen: true, NoSigs: true, MaxPayload: maxPayload, DisableJetStreamBanner: true,
		JetStream: true, StoreDir: l.leafDir(), JetStreamDomain: l.leafName(), SyncAlways: true, JetStreamMaxMemory: 1 << 20,
		JetStreamMaxStore: l.cfg.MaxLog,
		PingInterval:      pingEvery, MaxPingsOut: lostPings,
		LeafNode: server.LeafNodeOpts{
			ReconnectInterval: relinkEvery,
			Remotes:           []*server.RemoteLeafOpts{l.remote()},
		},
	}
	local := &leafDoor{}
	if l.cfg.Clients != "" && !l.cfg.isSeed() && !l.cfg.Chains { // else the other server of this node takes them
		if local, err = l.serveLocal(opts); err != nil {
			return err
		}
	}
	if l.srv, err = startServer(ctx, opts, log, func(srv *server.Server) { local.srv = srv }); err != nil {
		return fmt.Errorf("start the node's server: %w", err)
	}
	if l.nc, err = client(l.srv, l.log, nats.Token(local.password), nats.CustomInboxPrefix(inbox(l.id))); err != nil {
		l.stop()
		return err
	}
	m := l.id
	for _, subject := range []string{
		logged, subjectResay(m), fmt.Sprintf("m.ask.%d.*", m), fmt.Sprintf("m.answer.%d.*", m),
	} {
		if _, err := l.nc.ChanSubscribe(subject, l.in); err != nil {
			l.stop()
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	return nil
}

// remote says how the server reaches a seed: one of them, and the others in turn. A seed links
// with itself first.
func (l *leaf) remote() *server.RemoteLeafOpts {
	remote := &server.RemoteLeafOpts{
		TLS: true, TLSConfig: l.identity.connecting(l.identity.plain, l.checkSeed), TLSTimeout: 3, TLSHandshakeFirst: true,
		IgnoreDiscoveredServers: true, Compression: uncompressed(), FirstInfoTimeout: 3 * time.Second, DialTimeout: 2 * time.Second,
	}
	own := l.cfg.advertised()
	add := func(address string) {
		remote.URLs = append(remote.URLs, &url.URL{Scheme: "nats-leaf", Host: address})
	}
	if l.cfg.isSeed() {
		remote.NoRandomize = true
		add(own)
	}
	for _, seed := range l.cfg.Seeds {
		if !l.cfg.isSeed() || seed != own {
			add(seed)
		}
	}
	return remote
}

// checkSeed is asked whether to link with the server of a certificate.
func (l *leaf) checkSeed(state tls.ConnectionState) error {
	key, err := keyOf(&state)
	if err == nil && !(key == l.identity.key && l.cfg.isSeed()) && !l.members.Load().isSeed(key) {
		err = errNotSeed
	}
	l.judged.Store(&verdict{err, time.Now()})
	return err
}

// verdict is what checkSeed said last.
type verdict struct {
	err error
	at  time.Time
}

// whyNot returns why there is no link. A seed that refuses the link closes the connection once
// this side has accepted the seed; NATS reports no reason.
func (l *leaf) whyNot() string {
	reported, at := l.err.lastError()
	judged := l.judged.Load()
	switch _, dialed, failed := strings.Cut(reported, "dial tcp "); {
	case judged != nil && judged.at.Add(time.Second).After(at) && judged.err != nil:
		return "the other side is no seed of this mesh: " + judged.err.Error()
	case judged != nil && judged.at.Add(time.Second).After(at):
		return "a seed refuses the link: this node's key is not that of a member"
	case failed:
		return "can't connect to " + dialed
	}
	return reported
}

func (l *leaf) stop() {
	if l.nc != nil {
		l.nc.Close()
	}
	l.srv.Shutdown()
	l.srv.WaitForShutdown()
}

// uncompressed is how links carry their small messages: the buffers of a compressor would cost more
// memory than all the rest of a leaf.
func uncompressed() server.CompressionOpts {
	return server.CompressionOpts{Mode: server.CompressionOff}
}

// startServer starts a server and waits until it is ready.
func startServer(ctx context.Context, opts *server.Options, log server.Logger, prepare func(*server.Server)) (*server.Server, error) {
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, err
	}
	prepare(srv)
	srv.SetLoggerV2(log, false, false, false)
	srv.Start()
	ready := func() bool {
		return srv.ReadyForConnections(10 * time.Millisecond)
	}
	for deadline := time.Now().Add(startWithin); !ready(); {
		if !srv.Running() || time.Now().After(deadline) || ctx.Err() != nil {
			srv.Shutdown()
			srv.WaitForShutdown()
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, errors.New("it does not start: the log has its reason")
		}
	}
	return srv, nil
}

// client connects to a server within the process.
func client(srv *server.Server, log hclog.Logger, more ...nats.Option) (*nats.Conn, error) {
	nc, err := nats.Connect("", append([]nats.Option{
		nats.InProcessServer(srv), nats.NoReconnect(), nats.Timeout(startWithin), nats.PingInterval(time.Hour),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrSlowConsumer) {
				log.Warn("messages came faster than they could be taken, and some were dropped")
			}
		}),
	}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the server within the process: %w", err)
	}
	return nc, nil
}

// publish says a message. It is lost without a link.
func (l *leaf) publish(subject string, m proto.Message) {
	b, err := proto.Marshal(m)
	if err == nil {
		err = l.nc.Publish(subject, b)
	}
	if err != nil {
		l.log.Debug("not said", "subject", subject, "error", err)
	}
}

// loop owns the leaf's state.
func (l *leaf) loop(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	defer l.board.setLink(func(s *linkState) { s.connected = false })
	for {
		members := l.membersChanged.wait()
		select {
		case <-ctx.Done():
			return nil
		case m := <-l.in:
			l.hear(m)
		case <-look.C:
			if !l.srv.Running() || l.nc.IsClosed() {
				return errors.New("the node's server has ended")
			}
			l.look(time.Now())
		case <-l.teller.poke:
			l.speak(time.Now())
		case <-members:
			if m := l.members.Load(); len(m.byID) > 0 {
				l.board.keepOnly(func(id uint64) bool { _, known := m.byID[id]; return known })
			}
		}
	}
}

// look sees whether the link is up, and goes on with what depends on it.
func (l *leaf) look(now time.Time) {
	cid, seed, address := l.uplink()
	switch {
	case cid != l.cid && cid != 0:
		l.linkUp(now, cid, seed, address)
	case cid != l.cid:
		l.linkDown()
	case cid == 0:
		l.board.setLink(func(s *linkState) { s.err = l.whyNot() })
	case l.token != 0 && now.Sub(l.heard) > l.cfg.beacon()+hangsAfter:
		// TCP waits twice as long each time until it sends again what was lost, and so may be
		// silent for long after the network is whole. Another link, or seed, is sooner there.
		l.log.Warn("the link to the mesh carries nothing, and another one is made", "seed", l.nameOf(l.seed))
		_ = l.srv.DisconnectClientByID(l.cid) // it has ended meanwhile otherwise
	case l.token != 0 && now.Sub(l.greeted) > time.Second:
		l.greet(now)
	case l.token == 0 && now.Sub(l.heard) > l.cfg.beacon()+silentAfter:
		// The link may hang: what the seed said is not known to hold any more.
		l.board.setLink(func(s *linkState) { s.quorum = false })
		l.greet(now)
	}
	if now.Sub(l.beat) >= l.cfg.beatEvery() {
		l.speak(now)
	}
}

// uplink returns the number of the link, the seed at its other end and its address.
func (l *leaf) uplink() (cid, seed uint64, address string) {
	if l.srv.NumLeafNodes() == 0 {
		return 0, 0, ""
	}
	if l.cid != 0 && l.srv.GetLeafNode(l.cid) != nil {
		return l.cid, l.seed, ""
	}
	z, err := l.srv.Leafz(nil)
	if err != nil {
		return 0, 0, ""
	}
	for _, info := range z.Leafs {
		if seed := seedOf(info.Name); seed != 0 && info.Account != programsAccount {
			return info.ID, seed, net.JoinHostPort(info.IP, strconv.Itoa(info.Port))
		}
	}
	return 0, 0, ""
}

func (l *leaf) linkUp(now time.Time, cid, seed uint64, address string) {
	l.forget()
	l.cid, l.seed, l.heard = cid, seed, now
	l.judged.Store(nil)
	for _, subject := range []string{subjectViewAll(seed), subjectView(seed, l.id)} {
		sub, err := l.nc.ChanSubscribe(subject, l.in)
		if err != nil {
			l.log.Warn("can't hear the seed", "error", err)
			continue
		}
		l.subs = append(l.subs, sub)
	}
	l.board.setLink(func(s *linkState) {
		s.connected, s.seed, s.seedID, s.err, s.quorum = true, address, seed, "", false
	})
	l.log.Info("linked with a seed", "seed", l.nameOf(seed), "address", address)
	l.greet(now)
	l.teller.sayAgain()
	l.speak(now)
}

func (l *leaf) linkDown() {
	l.log.Warn("the link to the mesh is down; the node goes on alone until it has another one", "seed", l.nameOf(l.seed))
	l.forget()
	l.board.setLink(func(s *linkState) {
		s.connected, s.quorum, s.err, s.seedID = false, false, "the link has ended", 0
	})
}

func (l *leaf) forget() {
	for _, sub := range l.subs {
		_ = sub.Unsubscribe() // the connection has ended otherwise
	}
	l.subs, l.cid, l.seed, l.token, l.epoch, l.number, l.missed, l.complete = nil, 0, 0, 0, 0, 0, nil, false
}

// hear takes one message.
func (l *leaf) hear(m *nats.Msg) {
	kind, first, second := split(m.Subject)
	switch kind {
	case "logged":
		if height, entry, err := entryOf(m); err == nil {
			l.board.addEntry(height, entry)
		}
	case "view":
		if first == l.seed {
			l.hearView(m)
		}
	case "resay":
		l.teller.sayAgain()
		l.speak(time.Now())
	case "ask":
		l.served.hear(l, second, m)
	case "answer":
		l.asked.hear(second, m)
	}
}

// ready asks the seed how the log is.
func (l *leaf) ready(ctx context.Context) (*natsv1.LogState, error) {
	seed := l.board.linkNow().seedID
	if seed == 0 {
		return nil, pluginsdk.Unavailable(errors.New("this node is linked with no seed"))
	}
	m, err := l.nc.RequestWithContext(ctx, subjectReady(seed), nil)
	if err != nil {
		return nil, pluginsdk.Unavailable(fmt.Errorf("%s does not answer: %w", l.nameOf(seed), err))
	}
	state := &natsv1.LogState{}
	if err := proto.Unmarshal(m.Data, state); err != nil {
		return nil, pluginsdk.Unavailable(fmt.Errorf("%s answers what can't be read: %w", l.nameOf(seed), err))
	}
	return state, nil
}

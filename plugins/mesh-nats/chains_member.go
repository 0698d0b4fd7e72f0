package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/engine"
)

// errNotAllowed is why a node that is to hold chains does not.
var errNotAllowed = errors.New("the log of the mesh does not say that this node may hold chains: make a token with `meshos mesh token --chains --replace ID`, and join with it again")

// runMember runs the server of a node that is no seed and holds chains, until ctx ends: a full
// member of the cluster of seeds, without the log, and without a port for nodes.
func (n *node) runMember(ctx context.Context) error {
	said := false
	for {
		changed := n.membersChanged.wait()
		if n.members.Load().byKey[n.identity.key].holds {
			break
		}
		if n.isMember() && !said {
			said = true
			n.log.Warn("this node is configured to hold chains, and does not", "reason", errNotAllowed)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
	h := &hub{node: n, gate: newGate(n), routed: n.members.Load().routedKeys()}
	if err := h.startMember(ctx); err != nil {
		return err
	}
	defer h.stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.watch(ctx) })
	g.Go(func() error { return newHolder(h, h.opts).run(ctx) })
	return g.Wait()
}

func (h *hub) startMember(ctx context.Context) (err error) {
	dir := filepath.Join(h.hubDir(), "chains")
	if err := removeAll(h.renew.take()); err != nil {
		return fmt.Errorf("the store of chains: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the store of chains: %w", err)
	}
	log := newNatsLog(h.log, "hub")
	h.opts = &server.Options{
		ServerName: hubName(h.id), Host: "127.0.0.1", Port: server.RANDOM_PORT,
		NoSigs: true, MaxPayload: maxPayload, DisableJetStreamBanner: true,
		JetStream: true, StoreDir: dir, JetStreamDomain: hubDomain, SyncAlways: true,
		JetStreamMaxMemory: 1 << 20, JetStreamMaxStore: storeExtra + h.cfg.ChainsBytes,
		PingInterval: pingEvery, MaxPingsOut: lostPings,
		CustomClientAuthentication: h.gate, CustomRouterAuthentication: routes{h.gate},
	}
	host, port, _ := hostPort(h.cfg.ChainsListen) // Validate has read it
	if err := h.listen(h.opts, host, int(port)); err != nil {
		return err
	}
	engine.Sorted(h.opts)
	if h.srv, err = startServer(ctx, h.opts, log, func(srv *server.Server) { h.gate.srv = srv }); err != nil {
		reason, _ := log.lastError()
		return fmt.Errorf("start the server that holds chains on %s: %w (%s)", h.cfg.ChainsListen, err, reason)
	}
	if h.nc, err = client(h.srv, h.log, nats.Token(h.gate.password), nats.CustomInboxPrefix("m.in.seed")); err != nil {
		h.stop()
	}
	return err
}

// listen adds the ports of a server of the cluster to its options: for programs of this machine,
// and, if there are several seeds, for the other servers.
func (h *hub) listen(opts *server.Options, host string, port int) error {
	if h.cfg.Clients != "" {
		host, port, _ := hostPort(h.cfg.Clients)
		opts.Host, opts.Port, opts.AlwaysEnableNonce = host, int(port), true
		if err := h.gate.open(h.cfg); err != nil {
			return err
		}
	}
	if len(h.cfg.Seeds) == 1 {
		return nil
	}
	route := h.identity.accepting(h.gate.checkRoute)
	route.InsecureSkipVerify = true // checkRoute verifies the side that this one connects to
	opts.Cluster = server.ClusterOpts{
		Name: h.clusterName(), Host: host, Port: port, TLSConfig: route, TLSTimeout: 5, AuthTimeout: 5,
		NoAdvertise: true, PoolSize: -1, PingInterval: routePings, MaxPingsOut: lostPings,
		Compression: uncompressed(),
	}
	if !h.cfg.isSeed() { // the others that are no seeds know it from the seeds, who do not know it from their configuration
		opts.Cluster.Advertise = h.cfg.ChainsListen
	}
	for _, seed := range h.cfg.Seeds {
		if seed != h.cfg.advertised() {
			opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats-route", Host: nextPort(seed)})
		}
	}
	return nil
}

// watch ends the server with an error if it has to start again.
func (h *hub) watch(ctx context.Context) error {
	tick := time.NewTicker(seedEvery)
	defer tick.Stop()
	for {
		changed := h.membersChanged.wait()
		m := h.members.Load()
		if len(m.byID) > 0 && !m.byKey[h.identity.key].holds {
			return errNotAllowed
		}
		for _, key := range h.routed {
			if len(m.byID) > 0 && !m.byKey[key].routed() {
				return errors.New("a node that belonged to the cluster of seeds does not any more, and its links are cut")
			}
		}
		h.routed = m.routedKeys()
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-h.renew.wanted:
			return errRenew
		case <-tick.C:
			switch {
			case !h.srv.Running() || h.nc.IsClosed():
				return errors.New("the server that holds chains has ended")
			case !h.srv.JetStreamEnabled():
				return errors.New("the store of chains has stopped: is the disk full?")
			}
		}
	}
}

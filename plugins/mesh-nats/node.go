package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"github.com/meshos/meshos/internal/backoff"
	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// hubPatience is how long a seed's own link waits for its hub.
const hubPatience = 2 * time.Second

// node is one configured instance.
type node struct {
	cfg         config
	log         hclog.Logger
	id          uint64
	incarnation uint64
	cluster     string
	dir         string
	identity    *identity

	members        atomic.Pointer[members] // nil before the first SetMembers
	membersChanged signal
	mayCreate      atomic.Bool // the log, if there is none
	outvoted       atomic.Bool // the seed's store is set aside before its hub starts again

	hubUp      chan struct{}          // holds one once the hub runs
	holder     atomic.Pointer[holder] // nil while this node can hold no chains
	held       *heldChains
	link       atomic.Pointer[leaf] // nil while its server does not run
	board      *board
	teller     *teller
	joins      *joins
	failures   *failures
	renew      *renewals
	scrubEvery time.Duration
	asked      *asked
	served     *served
	follows    alone
	serves     alone
	readers    sync.WaitGroup // of streams of the host
}

func newNode(env pluginsdk.Env, cfg config) (*node, error) {
	if env.Mesh == nil {
		return nil, errors.New("mesh-nats runs as the mesh plugin of a node only, which gives it the keys of its links")
	}
	id, err := newIdentity(env.Mesh.GetLinkSeed())
	if err != nil {
		return nil, err
	}
	n := &node{
		cfg: cfg, log: env.Log, id: env.Node, incarnation: env.Mesh.GetIncarnation(), cluster: env.Cluster,
		dir: env.DataDir, identity: id,
		held: &heldChains{}, board: newBoard(), joins: newJoins(), failures: newFailures(), renew: newRenewals(), scrubEvery: scrubEvery, asked: newAsked(), served: newServed(), hubUp: make(chan struct{}, 1),
	}
	n.board.setLink(func(l *linkState) { l.seedHere = cfg.isSeed() })
	n.teller = newTeller(n.incarnation)
	return n, nil
}

// Warnings returns what an operator should know of the configuration.
func (n *node) Warnings() []string { return n.cfg.warnings() }

// SetMembers replaces who belongs to the mesh. Who does not any more is cut off.
func (n *node) SetMembers(_ context.Context, req *pluginv1.SetMembersRequest) error {
	m, err := newMembers(req)
	if err != nil {
		return pluginsdk.Invalid(err)
	}
	if m.found {
		n.mayCreate.Store(true)
	}
	n.members.Store(m)
	n.membersChanged.raise()
	return nil
}

// Run runs the servers until ctx ends. They start once it is known who belongs to the mesh.
func (n *node) Run(ctx context.Context) error {
	for changed := n.membersChanged.wait(); n.members.Load() == nil; {
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	if n.cfg.isSeed() {
		g.Go(func() error { return n.again(ctx, "the seed", n.runHub) })
	} else if n.cfg.Chains {
		g.Go(func() error { return n.again(ctx, "the server that holds chains", n.runMember) })
	}
	g.Go(func() error {
		n.awaitHub(ctx)
		return n.again(ctx, "the node's link", n.runLeaf)
	})
	return g.Wait()
}

// awaitHub waits a moment for the hub of this node, so that a seed is linked with itself. One that
// is no member yet has no hub before its link has told it so.
func (n *node) awaitHub(ctx context.Context) {
	if !n.cfg.isSeed() || !n.mayHub() {
		return
	}
	timer := time.NewTimer(hubPatience)
	defer timer.Stop()
	select {
	case <-n.hubUp:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// mayHub reports whether a seed may run its hub: it is a member, or founds the mesh.
func (n *node) mayHub() bool { return n.isMember() || n.members.Load().found }

// Close waits for what the streams of the host have left.
func (n *node) Close() error {
	n.readers.Wait()
	return nil
}

// again runs a part of the plugin until ctx ends, however often it fails.
func (n *node) again(ctx context.Context, what string, run func(context.Context) error) error {
	pause := backoff.Doubling{First: 250 * time.Millisecond, Max: 5 * time.Second}
	for failures := 0; ; {
		began := time.Now()
		err := run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > time.Minute {
			failures = 0
		}
		failures++
		wait := pause.After(failures)
		if err != nil {
			n.log.Warn(what+" does not run, and is started again", "in", wait, "error", err)
		}
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

// sleep waits, and reports whether ctx has not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// linked returns the link to the mesh, or why there is none.
func (n *node) linked() (*leaf, error) {
	l := n.link.Load()
	if l == nil {
		return nil, pluginsdk.Unavailable(errors.New("the mesh plugin of this node has only just started"))
	}
	return l, nil
}

// hubDir returns the folder of a seed's stores, leafDir that of each node's own.
func (n *node) hubDir() string  { return filepath.Join(n.dir, "hub") }
func (n *node) leafDir() string { return filepath.Join(n.dir, "leaf") }

func (n *node) leafName() string    { return fmt.Sprintf("n-%d", n.id) }
func hubName(id uint64) string      { return fmt.Sprintf("hub-%d", id) }
func seedOf(hub string) (id uint64) { _, _ = fmt.Sscanf(hub, "hub-%d", &id); return id }
func (n *node) clusterName() string { return "meshos" }
func (n *node) isMember() bool {
	m, ok := n.members.Load().byKey[n.identity.key]
	return ok && m.id == n.id
}
func (n *node) nameOf(id uint64) string { return n.members.Load().nameOf(id) }

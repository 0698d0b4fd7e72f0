package host

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/capacity"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/meshlink"
	"github.com/meshos/meshos/host/meshlog"
	"github.com/meshos/meshos/host/nodekey"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// nodeKey is the node's own key, which is made at first need.
type nodeKey struct {
	mu  sync.Mutex
	key *nodekey.Key
}

// get returns the key. After an error the next call tries again: the file may be mended.
func (k *nodeKey) get(dataDir string) (*nodekey.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key != nil {
		return k.key, nil
	}
	key, err := nodekey.Open(dataDir)
	if err != nil {
		return nil, err
	}
	k.key = key
	return key, nil
}

// meshIdentity returns what a mesh plugin gets of this node's keys.
func (n *node) meshIdentity() (*pluginv1.MeshIdentity, error) {
	key, err := n.key.get(n.cfg.Node.DataDir)
	if err != nil {
		return nil, err
	}
	seed, err := key.LinkSeed()
	if err != nil {
		return nil, err
	}
	return &pluginv1.MeshIdentity{LinkSeed: seed, Incarnation: n.epoch, Name: n.cfg.Node.Name}, nil
}

// linkOptions returns what the conversation with the mesh plugin works with.
func (n *node) linkOptions() meshlink.Options {
	return meshlink.Options{
		Node: n.cfg.Node.ID, Record: n.meshlog, Source: n.loop.Reader(),
		Self: meshlink.Self{
			Incarnation: n.epoch, Name: n.cfg.Node.Name, Version: n.opts.Version, Address: n.cfg.Node.Address, Health: n.cfg.Node.Health,
			Labels: n.labels.get,
			// It takes in no chain beyond what it may remember.
			ChainsMost: uint32(min(n.cfg.Capacity.Chains, math.MaxUint32)),
			Trouble:    n.trouble,
		},
		Keeper: meshlog.Peers(n.cfg.Node.DataDir),
		MayKnow: func(ctx context.Context, id mesh.NodeID) error {
			return n.capacity.AdmitPeer(ctx, capacity.Source{Name: "mesh"}, id)
		},
		Report: n.failures.Add, Log: n.opts.Log,
	}
}

// talk talks with the mesh plugin until ctx ends.
func (n *node) talk(ctx context.Context) {
	feed := n.loop.Feed()
	n.link.Run(ctx, meshlink.Hooks{Server: answers{n.api, n.meshlog}, Announce: func(ctx context.Context, said mesh.PeersAnnounced) error {
		if err := feed.Announce(ctx, said); err != nil {
			return err
		}
		n.plugins.Announce(said)
		return nil
	}})
}

// labels are those of this node; a reload may change them.
type labels struct{ now atomic.Pointer[[]mesh.Label] }

func (l *labels) get() []mesh.Label {
	if now := l.now.Load(); now != nil {
		return *now
	}
	return nil
}

func (l *labels) set(next []mesh.Label) { l.now.Store(&next) }

// trouble returns in a sentence what is wrong with this node itself; "" for nothing.
func (n *node) trouble(s *snapshot.Snapshot) string {
	if n.opts.Trouble == nil {
		return ""
	}
	itself := *s
	itself.Peers, itself.Replicas, itself.CutOff = snapshot.Peers{}, snapshot.Replicas{}, nil
	itself.Logs, itself.Audit, itself.Failures, itself.Emitted = nil, nil, nil, nil
	return n.opts.Trouble(wire.SnapshotToProto(&itself))
}

// answers answers the questions of other nodes by this node's own API, and from its record of the log.
type answers struct {
	api *api.Service
	log *meshlog.Log
}

// Serve implements meshlink.Server.
func (a answers) Serve(ctx context.Context, from uint64, method string, request []byte, send func([]byte) error) error {
	if method == meshlog.StoredMethod {
		if err := a.log.Stored(send); errors.Is(err, meshlog.ErrNoBase) {
			return status.Error(codes.FailedPrecondition, err.Error())
		} else if err != nil {
			return err
		}
		return nil
	}
	return a.api.Answer(ctx, from, method, request, send)
}

// ask asks another node through the mesh.
func (n *node) ask(ctx context.Context, to mesh.NodeID, method string, request []byte, take func([]byte) error) error {
	err := n.link.Ask(ctx, &pluginv1.AskRequest{Node: uint64(to), Method: method, Request: request},
		func(_ context.Context, part []byte) error { return take(part) })
	var said *meshlink.AskError
	if errors.As(err, &said) {
		return status.Error(said.Code, said.Detail)
	}
	return err
}

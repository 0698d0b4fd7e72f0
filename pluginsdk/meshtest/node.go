package meshtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Node is the plugin of one node of a Network: a pluginsdk.Mesh and a pluginsdk.HealthProbe.
type Node struct {
	net *Network
	id  uint64

	// The network's lock guards the rest.
	members  *pluginv1.SetMembersRequest
	recorded bool // its host has a record
	tick     uint64
	summary  *meshosv1.NodeSummary
	said     uint64               // how often summary changed
	heard    map[uint64]time.Time // when others were heard last
	orderly  map[uint64]bool      // others that left in order
	joining  [][]byte             // for its host
	follow   *byte                // of the stream that counts

	serving   chan *pluginv1.ServedQuestion // nil while the host serves nothing
	asked     map[uint64]*question          // of its own host's questions, by their id
	questions uint64
}

var (
	_ pluginsdk.Mesh        = (*Node)(nil)
	_ pluginsdk.HealthProbe = (*Node)(nil)
)

// Construct returns the constructor of a plugin whose instances are the nodes of the network.
func (n *Network) Construct(env pluginsdk.Env, _ struct{}) (*Node, error) {
	return n.Node(env.Node), nil
}

func (o *Node) isMember(id uint64) bool {
	return slices.ContainsFunc(o.members.GetMembers(), func(m *pluginv1.Member) bool { return m.GetId() == id })
}

// SetMembers implements pluginsdk.Mesh.
func (o *Node) SetMembers(_ context.Context, members *pluginv1.SetMembersRequest) error {
	o.net.change(func() {
		o.members = proto.CloneOf(members)
		o.net.drop(members.GetDropThrough())
	})
	return nil
}

var errNoMembers = errors.New("SetMembers was not called yet")

// Order implements pluginsdk.Mesh.
func (o *Node) Order(_ context.Context, order *pluginv1.OrderRequest) error {
	n := o.net
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case o.members == nil:
		return pluginsdk.FailedPrecondition(errNoMembers)
	case !n.quorum(o.id):
		return pluginsdk.Unavailable(errors.New("no quorum of the seeds is reached"))
	case len(order.GetId()) > 0 && slices.ContainsFunc(n.log, func(l logged) bool { return l.id == string(order.GetId()) }):
		return nil
	case n.end() == 0 && !o.members.GetFound() && !o.recorded:
		return pluginsdk.Unavailable(errors.New("this log is empty, and this node neither founds it nor has a record"))
	case order.GetHeight() != n.end()+1:
		return pluginsdk.Aborted(fmt.Errorf("the log ends at height %d", n.end()))
	}
	n.append(order)
	if n.losing {
		return pluginsdk.Unknown(errors.New("the answer was lost"))
	}
	return nil
}

// Tell implements pluginsdk.Mesh.
func (o *Node) Tell(_ context.Context, said *pluginv1.TellRequest) error {
	o.net.change(func() {
		if said.GetSelf() != nil {
			o.summary = proto.CloneOf(said.GetSelf())
			o.said++
		}
		if said.GetTick() <= o.tick && !said.GetLeaving() {
			return
		}
		o.tick = said.GetTick()
		for _, other := range o.net.nodes {
			if other == o || !o.net.reach(o.id, other.id) || o.net.linked(o.id) == 0 || o.net.linked(other.id) == 0 {
				continue
			}
			other.heard[o.id], other.orderly[o.id] = time.Now(), false
			if said.GetLeaving() {
				other.heard[o.id], other.orderly[o.id] = time.Time{}, true
			}
		}
	})
	return nil
}

// Join implements pluginsdk.Mesh.
func (o *Node) Join(_ context.Context, joining []byte) error {
	n := o.net
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, seed := range n.seeds() {
		if at := n.nodes[seed]; at != nil && seed != o.id && n.reach(o.id, seed) {
			at.joining = append(at.joining, slices.Clone(joining))
			n.wake()
			return nil
		}
	}
	return pluginsdk.Unavailable(errors.New("no seed is reached"))
}

// SampleHealth implements pluginsdk.HealthProbe: a peer is healthy while its session lives.
// Without a link nothing is known of anybody.
func (o *Node) SampleHealth(_ context.Context, peers []pluginsdk.Peer) (out []pluginsdk.HealthSample, _ error) {
	n := o.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if o.members == nil || n.linked(o.id) == 0 {
		return nil, nil
	}
	for _, p := range peers {
		heard, ever := o.heard[p.ID]
		switch {
		case !o.isMember(p.ID) || !ever && !o.orderly[p.ID]:
		case time.Since(heard) < n.opts.Session:
			out = append(out, pluginsdk.HealthSample{Peer: p.ID, Health: pluginsdk.Healthy})
		default:
			out = append(out, pluginsdk.HealthSample{Peer: p.ID, Health: pluginsdk.Unreachable, Reason: "it has no session"})
		}
	}
	return out, nil
}

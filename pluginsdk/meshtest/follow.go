package meshtest

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// entriesAtOnce bounds how many entries one batch has.
const entriesAtOnce = 100

// following is what one stream of Follow has said.
type following struct {
	height   uint64
	said     map[uint64]saidOf
	complete bool
	link     *meshosv1.MeshLink
}

// saidOf is what it has said of one other node.
type saidOf struct {
	summary uint64 // how often that had changed
	left    bool
}

// Follow implements pluginsdk.Mesh.
func (o *Node) Follow(ctx context.Context, from *pluginv1.FollowRequest, send func(*pluginv1.MeshBatch) error) error {
	n, mine := o.net, new(byte)
	n.change(func() {
		o.follow = mine
		o.recorded = o.recorded || from.GetHeight() > 0
	})
	f := following{height: from.GetHeight(), said: make(map[uint64]saidOf)}
	for {
		n.mu.Lock()
		if o.follow != mine {
			n.mu.Unlock()
			return pluginsdk.Aborted(fmt.Errorf("node %d follows with another stream", o.id))
		}
		if h := f.height; h == from.GetHeight() && h > n.dropped && h <= n.end() && !bytes.Equal(n.log[h-n.dropped-1].hash, from.GetHead()) {
			n.mu.Unlock()
			return pluginsdk.FailedPrecondition(fmt.Errorf("the log has another entry at height %d: it is not the log of this record", h))
		}
		batch, delay, changed := o.news(&f), n.delay, n.changed
		n.mu.Unlock()
		if batch != nil {
			if err := wait(ctx, delay); err != nil {
				return err
			}
			if err := send(batch); err != nil {
				return err
			}
			continue
		}
		expiry := time.NewTimer(n.opts.Session / 4) // a session may end by then
		select {
		case <-changed:
		case <-expiry.C:
		case <-ctx.Done():
			expiry.Stop()
			return ctx.Err()
		}
		expiry.Stop()
	}
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// news returns what a stream has not said yet; nil for nothing.
func (o *Node) news(f *following) *pluginv1.MeshBatch {
	n, out := o.net, &pluginv1.MeshBatch{}
	linked := n.linked(o.id) != 0
	if linked && n.quorum(o.id) {
		n.jump()
		for f.height >= n.dropped && f.height < n.end() && len(out.Ordered) < entriesAtOnce {
			out.Ordered = append(out.Ordered, proto.CloneOf(n.log[f.height-n.dropped].entry))
			f.height++
		}
	}
	for id, other := range n.nodes {
		if id == o.id || !o.isMember(id) || !linked {
			continue
		}
		if change := o.newsOf(other, f); change != nil {
			out.Peers = append(out.Peers, change)
		}
	}
	if linked && !f.complete {
		f.complete, out.PeersComplete = true, true
	}
	out.Joining, o.joining = o.joining, nil
	if link := o.link(); f.link == nil || !sameLink(link, f.link) {
		f.link, out.Link = link, link
	}
	if len(out.Ordered)+len(out.Peers)+len(out.Joining) == 0 && !out.PeersComplete && out.Link == nil {
		return nil
	}
	return out
}

// newsOf returns what a stream has not said yet of another node; nil for nothing.
func (o *Node) newsOf(other *Node, f *following) *pluginv1.PeerChange {
	heard, ever := o.heard[other.id]
	if !ever {
		return nil
	}
	age := time.Since(heard)
	now := saidOf{other.said, age >= o.net.opts.Session}
	before, known := f.said[other.id]
	if now.left { // nothing of what it says comes through
		now.summary = before.summary
	}
	if known && now == before {
		return nil
	}
	f.said[other.id] = now
	change := &pluginv1.PeerChange{Id: other.id, Address: "127.0.0.1", Left: now.left, Orderly: now.left && o.orderly[other.id]}
	if !now.left {
		change.Summary, change.Age = proto.CloneOf(other.summary), durationpb.New(age)
	}
	return change
}

// link returns how the node reaches the others.
func (o *Node) link() *meshosv1.MeshLink {
	n := o.net
	seed := n.linked(o.id)
	out := &meshosv1.MeshLink{Connected: seed != 0, Quorum: n.quorum(o.id)}
	if seed == 0 {
		out.Error = "no seed that knows this node is reached"
	} else {
		out.Seed, out.SeedHere = fmt.Sprintf("node-%d:7420", seed), seed == o.id
	}
	if out.Quorum {
		out.Beacon = &meshosv1.MeshLink_Beacon{Height: n.end(), Age: durationpb.New(0)}
		out.First = n.dropped + 1
		if h := len(n.log); h > 0 {
			out.Beacon.Head = n.log[h-1].hash
		}
	}
	return out
}

func sameLink(a, b *meshosv1.MeshLink) bool { return proto.Equal(a, b) }

package meshlink

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	// announceEvery is how often at most the loop is told what is new of other nodes.
	announceEvery = 250 * time.Millisecond
	// announcedAtOnce bounds how many nodes one input of the loop has.
	announcedAtOnce = 200
	// strangersMost bounds of how many nodes that are no members, or not yet, something is kept.
	strangersMost = 256
)

// peers is what is known of other members: that they are, by the record, and what the plugin
// says of them. It brings what is new to the loop.
type peers struct {
	opts Options
	wake chan struct{} // buffered for one
	keep chan struct{} // buffered for one: what is kept is to be written

	mu        sync.Mutex
	known     map[uint64]*peer
	strangers map[uint64]*pluginv1.PeerChange // of who is no member, or not yet
	unnamed   map[uint64]bool                 // members that this stream did not name yet
	dirty     map[uint64]bool
	expelled  []mesh.NodeID
	recalled  map[uint64]mesh.KeptMember // from before the restart, of who is not known yet
	dropped   uint64                     // changes of strangers for whom there was no room
	refused   map[uint64]bool
}

// peer is what is known of one member.
type peer struct {
	name    string
	seed    bool
	address string
	gone    bool
	orderly bool
	heard   time.Time // zero: never
	silent  bool      // it should have been since
	summary *mesh.Summary
}

func newPeers(o Options) *peers {
	return &peers{
		opts: o, wake: make(chan struct{}, 1), keep: make(chan struct{}, 1), recalled: make(map[uint64]mesh.KeptMember), known: make(map[uint64]*peer), strangers: make(map[uint64]*pluginv1.PeerChange),
		unnamed: make(map[uint64]bool), dirty: make(map[uint64]bool), refused: make(map[uint64]bool),
	}
}

// run brings what is new to the loop until ctx ends.
func (p *peers) run(ctx context.Context, announce func(context.Context, mesh.PeersAnnounced) error) {
	p.recall()
	for ctx.Err() == nil {
		changed := p.opts.Record.Changed()
		p.setMembers(ctx, p.opts.Record.Members().GetMembers())
		for {
			said, any := p.next(time.Now())
			if !any {
				break
			}
			if err := announce(ctx, said); err != nil {
				return // the loop has ended, or ctx
			}
		}
		select {
		case <-p.wake:
		case <-changed:
		case <-ctx.Done():
			return
		}
		pause(ctx, announceEvery, nil)
	}
}

func (p *peers) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// setMembers takes over who belongs to the mesh.
func (p *peers) setMembers(ctx context.Context, members []*pluginv1.Member) {
	keep := make(map[uint64]bool, len(members))
	for _, m := range members {
		if m.GetId() != uint64(p.opts.Node) && p.mayKnow(ctx, m.GetId()) {
			keep[m.GetId()] = true
			p.setMember(m)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(p.known)) {
		if !keep[id] {
			delete(p.known, id)
			delete(p.dirty, id)
			delete(p.unnamed, id)
			p.expelled = append(p.expelled, mesh.NodeID(id))
			p.keepSoon()
		}
	}
	maps.DeleteFunc(p.refused, func(id uint64, _ bool) bool {
		return !slices.ContainsFunc(members, func(m *pluginv1.Member) bool { return m.GetId() == id })
	})
}

// mayKnow reports whether the node has room for a peer. Of those for whom it has none the first
// is reported.
func (p *peers) mayKnow(ctx context.Context, id uint64) bool {
	p.mu.Lock()
	_, known := p.known[id]
	p.mu.Unlock()
	if known {
		return true
	}
	err := p.opts.MayKnow(ctx, mesh.NodeID(id))
	if err == nil {
		return true
	}
	p.mu.Lock()
	first := len(p.refused) == 0
	p.refused[id] = true
	p.mu.Unlock()
	if first {
		p.opts.Report("mesh:peers", fmt.Sprintf("node %d is a member of the mesh and not known here: %v; further ones are not reported", id, err))
	}
	return false
}

func (p *peers) setMember(m *pluginv1.Member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := m.GetId()
	k := p.known[id]
	switch {
	case k == nil:
		k = &peer{name: m.GetName(), seed: m.GetSeed(), gone: true}
		p.known[id], p.dirty[id], p.unnamed[id] = k, true, true
		before, kept := p.recalled[id]
		if delete(p.recalled, id); kept {
			k.remember(before)
		}
		p.noteKept(id, k, before)
		if said := p.strangers[id]; said != nil {
			delete(p.strangers, id)
			p.take(k, said)
		}
	case k.name != m.GetName() || k.seed != m.GetSeed():
		before := k.kept(id)
		k.name, k.seed = m.GetName(), m.GetSeed()
		p.dirty[id] = true
		p.noteKept(id, k, before)
	}
}

// streamBegins notes that everything is said anew.
func (p *peers) streamBegins() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.unnamed)
	for id := range p.known {
		p.unnamed[id] = true
	}
}

// said takes over what the plugin says of other nodes. With complete, members that it did not
// name since the stream began have no session.
func (p *peers) said(changes []*pluginv1.PeerChange, complete bool) {
	if len(changes) == 0 && !complete {
		return
	}
	p.mu.Lock()
	for _, c := range changes {
		id := c.GetId()
		k := p.known[id]
		switch {
		case k != nil:
			p.take(k, c)
		case p.strangers[id] != nil || len(p.strangers) < strangersMost:
			p.strangers[id] = c // it may be a member whose entry was not folded yet
		default:
			p.dropped++
			if p.dropped == 1 {
				p.opts.Report("mesh:peers", fmt.Sprintf("the mesh plugin names more than %d nodes that are no members, such as node %d; "+
					"they are not kept, and this is not reported again", strangersMost, id))
			}
		}
	}
	if complete {
		for id := range p.unnamed {
			if k := p.known[id]; !k.gone {
				k.gone, k.orderly = true, false
				p.dirty[id] = true
			}
		}
		clear(p.unnamed)
	}
	p.mu.Unlock()
	p.wakeUp()
}

// take takes over what the plugin says of a member.
func (p *peers) take(k *peer, c *pluginv1.PeerChange) {
	id := c.GetId()
	before := k.kept(id)
	defer func() { p.noteKept(id, k, before) }()
	delete(p.unnamed, id)
	p.dirty[id] = true
	k.gone, k.orderly = c.GetLeft(), c.GetLeft() && c.GetOrderly()
	if c.GetAddress() != "" {
		k.address = c.GetAddress()
	}
	k.silent = c.GetSilent() != nil && !c.GetLeft()
	switch {
	case c.GetSilent() != nil:
		k.heard = time.Now().Add(-c.GetSilent().AsDuration())
	case !c.GetLeft():
		k.heard = time.Now().Add(-c.GetAge().AsDuration())
	}
	if c.GetSummary() == nil {
		return
	}
	summary, err := wire.SummaryFromProto(c.GetSummary())
	if err != nil {
		p.opts.Log.Debug("what a node says of itself can't be read", "node", id, "error", err)
		return
	}
	k.summary = summary
	p.opts.Record.Heard(mesh.NodeID(id), c.GetSummary())
}

// next returns what the loop has to be told next, in order of the ids.
func (p *peers) next(now time.Time) (out mesh.PeersAnnounced, any bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out.Expelled, p.expelled = p.expelled, nil
	ids := slices.Sorted(maps.Keys(p.dirty))
	for _, id := range ids[:min(len(ids), announcedAtOnce)] {
		delete(p.dirty, id)
		out.Peers = append(out.Peers, p.known[id].announced(mesh.NodeID(id), now))
	}
	return out, len(out.Peers)+len(out.Expelled) > 0
}

// announced returns a member as the loop is told of it. What the node says of how it should be
// measured comes before what the plugin sees.
func (k *peer) announced(id mesh.NodeID, now time.Time) mesh.Announced {
	out := mesh.Announced{
		ID: id, Name: k.name, Address: k.address, Seed: k.seed, Gone: k.gone, Orderly: k.orderly, Silent: k.silent, Summary: k.summary,
	}
	if k.summary != nil {
		out.Name, out.Address, out.Health = cmp.Or(k.name, k.summary.Name), cmp.Or(k.summary.Address, k.address), k.summary.Health
	}
	if !k.heard.IsZero() {
		heard := max(0, now.Sub(k.heard))
		out.Heard = &heard
	}
	return out
}

package meshlink

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// keepEvery is how often at most what is known of other members is written.
const keepEvery = 2 * time.Second

// Keeper keeps what is known of other members over a restart.
type Keeper interface {
	// Recall returns what was kept; nil if nothing was.
	Recall() ([]mesh.KeptMember, error)
	// Keep replaces it. Members are sorted by id.
	Keep(ctx context.Context, members []mesh.KeptMember) error
}

// recall takes over what was kept before the restart.
func (p *peers) recall() {
	kept, err := p.opts.Keeper.Recall()
	if err != nil {
		p.opts.Report("mesh:peers", fmt.Sprintf("what this node kept of other members can't be read, so it waits for the mesh to say it: %v", err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range kept {
		p.recalled[uint64(k.ID)] = k
	}
}

// remember has a member begin with what was kept of it. It has said nothing of how it is.
func (k *peer) remember(kept mesh.KeptMember) {
	k.address = kept.Address
	k.summary = &mesh.Summary{Name: kept.Name, Health: kept.Health, Labels: kept.Labels}
}

// kept returns what is kept of a member.
func (k *peer) kept(id uint64) mesh.KeptMember {
	said := k.announced(mesh.NodeID(id), time.Time{})
	out := mesh.KeptMember{ID: said.ID, Name: said.Name, Address: said.Address, Health: said.Health}
	if k.summary != nil {
		out.Labels = k.summary.Labels
	}
	return out
}

// noteKept has what is known of a member written, if it is not what was kept before.
func (p *peers) noteKept(id uint64, k *peer, before mesh.KeptMember) {
	if !k.kept(id).Equal(before) {
		p.keepSoon()
	}
}

func (p *peers) keepSoon() {
	select {
	case p.keep <- struct{}{}:
	default:
	}
}

// all returns what is to be kept.
func (p *peers) all() []mesh.KeptMember {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]mesh.KeptMember, 0, len(p.known))
	for _, id := range slices.Sorted(maps.Keys(p.known)) {
		out = append(out, p.known[id].kept(id))
	}
	return out
}

// write writes what is known of other members whenever it changes, until ctx ends.
func (p *peers) write(ctx context.Context) {
	failed := false
	for {
		select {
		case <-p.keep:
		case <-ctx.Done():
			return
		}
		err := p.opts.Keeper.Keep(ctx, p.all())
		if err != nil {
			p.keepSoon() // and try again
			if !failed && ctx.Err() == nil {
				p.opts.Report("mesh:peers", fmt.Sprintf("after a restart this node will not know how to reach other members before the mesh says it: %v", err))
			}
		}
		failed = err != nil
		pause(ctx, keepEvery, nil)
	}
}

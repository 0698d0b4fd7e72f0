package capacity

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Limits are the bounds; see [capacity] of the configuration.
type Limits struct {
	Peers, Chains, Daemons, Blobs int
	HoldersPerChain               int
	NameBytes                     int
}

// reasonMax is where the reason of a daemon's health is cut, in bytes: the state keeps one for
// each daemon.
const reasonMax = 1024

// Options are what a Gate works with.
type Options struct {
	Limits Limits
	Node   mesh.NodeID // this node
	// Read shows the state to visit; loop.Feed has it.
	Read func(ctx context.Context, visit func(*state.State)) error
	// Report records a failure; it does not wait.
	Report func(source, reason string)
	// Now is the clock; nil for the real one.
	Now func() time.Time
}

// Gate decides what may come in. Any number of goroutines may use it, but not the loop's,
// since the gate may read the state.
type Gate struct {
	options Options

	mu         sync.Mutex // not held while the state is read
	indexes    [kinds]index
	owners     map[string]owner
	generation uint8
	alignedAt  time.Time
	aligned    chan struct{} // closed when the alignment under way is over; nil if there is none
	refused    map[count]uint64
}

// count is what refusals are counted by.
type count struct{ source, what string }

// New returns a gate that has let in nothing yet.
func New(o Options) *Gate {
	if o.Now == nil {
		o.Now = time.Now
	}
	l := o.Limits
	return &Gate{
		options: o, owners: make(map[string]owner), refused: make(map[count]uint64), generation: 2,
		indexes: [kinds]index{peers: newIndex(l.Peers), chains: newIndex(l.Chains), daemons: newIndex(l.Daemons), blobs: newIndex(l.Blobs)},
	}
}

// Configure replaces what the configuration names, which exists whatever the bounds are. What
// it named before is unknown unless the state has it.
func (g *Gate) Configure(desired mesh.Configured) {
	configured := [kinds]map[uint64]bool{peers: {uint64(g.options.Node): true}, chains: {}, daemons: {}, blobs: {}}
	for _, p := range desired.Peers {
		configured[peers][uint64(p.ID)] = true
	}
	for _, c := range desired.Chains {
		configured[chains][uint64(c.ID)] = true
	}
	for _, d := range desired.Daemons {
		configured[daemons][uint64(d.Daemon.ID)] = true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for k := range g.indexes {
		for id := range g.indexes[k].configured {
			if !configured[k][id] { // if the state still has it, the next alignment says so
				g.indexes[k].forget(id)
				g.alignedAt = time.Time{}
			}
		}
		g.indexes[k].configured = configured[k]
	}
}

// Refused calls each with how much of what was refused, by source and key of [capacity].
func (g *Gate) Refused(each func(source, what string, n uint64)) {
	g.mu.Lock()
	refused := maps.Clone(g.refused)
	g.mu.Unlock()
	for of, n := range refused {
		each(of.source, of.what, n)
	}
}

// Limits returns the bounds by the key of [capacity].
func (g *Gate) Limits() map[string]int {
	l := g.options.Limits
	return map[string]int{
		"peers": l.Peers, "chains": l.Chains, "daemons": l.Daemons, "blobs": l.Blobs,
		"holders_per_chain": l.HoldersPerChain, "name_bytes": l.NameBytes,
	}
}

// Source is who brings an event.
type Source struct {
	Name string // in records
	// Plugin is the plugin that it is, which may bring half of everything; "" for who is
	// no plugin.
	Plugin string
}

// Admit returns an event as it may come in, or a *Refusal.
func (g *Gate) Admit(ctx context.Context, from Source, ev mesh.Event) (mesh.Event, *Refusal) {
	if health, is := ev.(mesh.DaemonHealthChanged); is && len(health.Health.Reason) > reasonMax {
		health.Health.Reason = cut(health.Health.Reason)
		ev = health
	}
	if refusal := g.unknown(ctx, subjectOf(ev, g.options.Node)); refusal != nil {
		return nil, refusal
	}
	if refusal := g.admit(ctx, from, needOf(ev)); refusal != nil {
		return nil, refusal
	}
	if command, is := ev.(mesh.AdminReceived); is {
		if refusal := g.admitChains(ctx, from, command.Event); refusal != nil {
			return nil, refusal
		}
	}
	return ev, nil
}

// AdmitPeer returns a *Refusal if there is no room for another peer.
func (g *Gate) AdmitPeer(ctx context.Context, from Source, id mesh.NodeID) error {
	if refusal := g.admit(ctx, from, need{kind: peers, id: uint64(id)}); refusal != nil {
		return refusal
	}
	return nil
}

// AdmitCommand returns a *Refusal if a command may not come in.
func (g *Gate) AdmitCommand(ctx context.Context, from Source, ev mesh.AdminEvent) *Refusal {
	if ev == nil {
		return nil
	}
	_, refusal := g.Admit(ctx, from, mesh.AdminReceived{Event: ev})
	return refusal
}

func (g *Gate) admitChains(ctx context.Context, from Source, ev mesh.AdminEvent) *Refusal {
	for _, id := range chainsOf(ev, g.options.Node) {
		if refusal := g.admit(ctx, from, need{kind: chains, id: uint64(id)}); refusal != nil {
			return refusal
		}
	}
	return nil
}

func (g *Gate) admit(ctx context.Context, from Source, n need) *Refusal {
	refusal := g.judge(ctx, from, n)
	if refusal == nil {
		return nil
	}
	g.mu.Lock()
	key := count{from.Name, refusal.What}
	g.refused[key]++
	first := g.refused[key] == 1
	g.mu.Unlock()
	if first && g.options.Report != nil {
		g.options.Report("capacity:"+from.Name, refusal.Message+"; further refusals are counted in meshos_capacity_refused_total")
	}
	return refusal
}

// judge returns why something may not come in, or nil.
func (g *Gate) judge(ctx context.Context, from Source, n need) *Refusal {
	if len(n.name) > g.options.Limits.NameBytes {
		return n.nameTooLong(g.options.Limits.NameBytes)
	}
	if n.kind == nothing {
		return nil
	}
	refusal, unsure := g.look(from, n)
	if refusal != nil && g.align(ctx) {
		refusal, unsure = g.look(from, n)
	}
	if refusal == nil && unsure {
		refusal = g.askHolders(ctx, n)
	}
	return refusal
}

// look decides by the index. It is unsure about a holder if the index can't say whether
// there is room for it.
func (g *Gate) look(from Source, n need) (refusal *Refusal, unsure bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	x := &g.indexes[n.kind]
	e := x.entries.Get(n.id)
	if e == nil {
		var full, overShare bool
		if e, full, overShare = x.add(n.id, g.ownerOf(from.Plugin), g.generation); full {
			return n.full(x.limit), false
		} else if overShare {
			return n.overShare(from.Plugin, x.share()), false
		}
	}
	e.fresh = g.generation
	switch {
	case n.holder == 0:
	case int(e.holders) >= g.options.Limits.HoldersPerChain:
		return nil, true
	default:
		e.holders++
	}
	return nil, false
}

func (g *Gate) ownerOf(plugin string) owner {
	if plugin == "" {
		return 0
	}
	o, known := g.owners[plugin]
	if !known {
		o = owner(len(g.owners) + 1)
		g.owners[plugin] = o
	}
	return o
}

// cut cuts a reason between two characters.
func cut(reason string) string {
	end := reasonMax
	for end > reasonMax-utf8.UTFMax && !utf8.RuneStart(reason[end]) {
		end--
	}
	return strings.Clone(reason[:end]) + fmt.Sprintf(" … (cut at %d bytes)", reasonMax)
}

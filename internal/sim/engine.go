package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/follower"
	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	elects     = 4 * time.Second  // at least, until a majority that lost its leader has another
	sessions   = 15 * time.Second // what a node said counts for so long
	fillWithin = 30 * time.Second // the log waits so long to be filled up
)

// engine is the engine of the mesh: the seeds with what each of them stored. It keeps the
// promises of the contract's Mesh service: an entry is appended behind the one before and by a
// majority, the answer says so or that it is not known, and an entry with the same id is not
// appended twice. What the seeds store may be lost.
type engine struct {
	w      *World
	seeds  []mesh.NodeID
	stores map[mesh.NodeID][]stored
	leader mesh.NodeID // 0: none
	term   uint64
	turn   uint64 // grows with each change of who reaches whom, so that old elections are void
	heard  map[mesh.NodeID]said
	behind mesh.Time // since when somebody has more than the log; 0: nobody
	lacks  struct {  // of the log, before the records of the seeds begin
		end   int
		since mesh.Time
	}
}

// stored is an entry in the store of a seed.
type stored struct {
	entry *meshosv1.LoggedEntry
	hash  cluster.Hash
	term  uint64
	id    string
}

// said is what a node said of itself last.
type said struct {
	height uint64
	at     mesh.Time
}

// together returns the seeds that run and reach a seed, and each other through it.
func (e *engine) together(with mesh.NodeID) (out []mesh.NodeID) {
	for _, id := range e.seeds {
		if e.w.linked(with, id) {
			out = append(out, id)
		}
	}
	return out
}

func (e *engine) majority(seeds []mesh.NodeID) bool { return len(seeds) > len(e.seeds)/2 }

// changed looks who leads, after it changed who reaches whom or what is stored.
func (e *engine) changed() {
	e.turn++
	if e.leader != 0 && e.majority(e.together(e.leader)) {
		e.replicate()
		return
	}
	e.leader = 0
	turn := e.turn
	e.w.after(elects+time.Duration(e.w.rng.Int64N(int64(3*time.Second))), func() {
		if e.turn == turn {
			e.elect()
		}
	})
}

// elect has a majority choose the one of them who has most.
func (e *engine) elect() {
	var best mesh.NodeID
	for _, id := range e.seeds {
		if e.majority(e.together(id)) && (best == 0 || e.newer(e.stores[id], e.stores[best])) {
			best = id
		}
	}
	if best == 0 {
		return
	}
	e.term++
	e.leader = best
	e.replicate()
	e.w.tracef("seed %d leads, with %d entries", best, len(e.stores[best]))
}

func (e *engine) newer(a, b []stored) bool {
	last := func(s []stored) uint64 {
		if len(s) == 0 {
			return 0
		}
		return s[len(s)-1].term
	}
	return cmp.Or(cmp.Compare(last(a), last(b)), cmp.Compare(len(a), len(b))) > 0
}

// replicate has those that follow the leader store what it stores.
func (e *engine) replicate() {
	for _, id := range e.together(e.leader) {
		if id != e.leader {
			e.stores[id] = slices.Clip(e.stores[e.leader])
		}
	}
}

// log returns what the leader stores.
func (e *engine) log() []stored { return e.stores[e.leader] }

// waits reports whether the log takes only what fills it up, since somebody has more.
func (e *engine) waits() bool {
	height := uint64(0)
	for _, s := range e.heard {
		if e.w.now.Sub(s.at) < sessions {
			height = max(height, s.height)
		}
	}
	if height <= uint64(len(e.log())) {
		e.behind = 0
		return false
	}
	if e.behind == 0 {
		e.behind = e.w.now
	}
	return e.w.now.Sub(e.behind) <= fillWithin
}

// append appends an entry for a node that reaches the leader.
func (e *engine) append(in *pluginv1.OrderRequest) follower.Answer {
	e.jump()
	log := e.log()
	if len(log) == 0 && in.GetLogTime() == nil || in.GetLogTime() == nil && e.waits() {
		return follower.NoQuorum
	}
	if !e.w.opts.NoDedup && slices.ContainsFunc(log, func(s stored) bool { return s.id == string(in.GetId()) }) {
		return follower.Appended
	}
	if in.GetHeight() != uint64(len(log))+1 {
		return follower.Aborted
	}
	at := e.w.node(e.leader).wall()
	var prev cluster.Hash
	if len(log) > 0 {
		prev = log[len(log)-1].hash
		if last := log[len(log)-1].entry.GetLogTime().AsTime(); at.Before(last) {
			at = last
		}
	}
	entry := &meshosv1.LoggedEntry{Entry: in.GetEntry(), LogTime: timestamppb.New(at), Height: in.GetHeight()}
	if in.GetLogTime() != nil {
		entry.LogTime, entry.Refilled = in.GetLogTime(), true
	}
	s := stored{entry: entry, hash: cluster.HashOf(entry), term: e.term, id: string(in.GetId())}
	e.stores[e.leader] = append(slices.Clip(log), s)
	e.replicate()
	e.w.oracle.stored(entry, s.hash, prev)
	for _, n := range e.w.nodes {
		if e.w.linked(e.leader, n.id) {
			e.w.send(e.leader, n.id, n.hint)
		}
	}
	return follower.Appended
}

// junkEvery is how often a plugin appends junk.
const junkEvery = 3 * time.Second

// junk has the plugin of a node append what no node ordered, while it does such a thing: bytes
// of no meaning, or an entry that the log has at another place.
func (e *engine) junk(n *node) {
	if n.lie != "junk" {
		return
	}
	e.w.after(junkEvery, func() { e.junk(n) })
	log := e.log()
	if e.leader == 0 || !e.w.linked(n.id, e.leader) || len(log) == 0 || e.waits() {
		return
	}
	raw := []byte(fmt.Sprintf("junk %d", e.w.rng.Int64()))
	if e.w.rng.IntN(2) == 0 {
		if old := log[e.w.rng.IntN(len(log))].entry; old != nil {
			raw = old.GetEntry()
		}
	}
	e.w.oracle.junked(raw, log[len(log)-1].hash)
	e.append(&pluginv1.OrderRequest{Entry: raw, Height: uint64(len(log)) + 1, Id: []byte(fmt.Sprintf("junk %d", e.w.rng.Int64()))})
}

// order is the call Order of a node: answered is told what came of it, if anything.
func (e *engine) order(n *node, in *pluginv1.OrderRequest, answered func(follower.Answer)) {
	if e.leader == 0 || !e.w.linked(n.id, e.leader) {
		answered(follower.NoQuorum)
		return
	}
	leader := e.leader
	e.w.send(n.id, leader, func() {
		a := follower.NoQuorum
		if e.leader == leader {
			a = e.append(in)
		}
		e.w.send(leader, n.id, func() { answered(a) })
	})
}

// link returns how a node is linked, as the leader says.
func (e *engine) link() *meshosv1.MeshLink {
	e.jump()
	log := e.log()
	b := &meshosv1.MeshLink_Beacon{Height: uint64(len(log))}
	if len(log) > 0 {
		hash := log[len(log)-1].hash
		b.Head = hash[:]
	}
	return &meshosv1.MeshLink{Connected: true, Quorum: true, Beacon: b, First: e.first()}
}

// after returns entries behind a height.
func (e *engine) after(height uint64) (out []*meshosv1.LoggedEntry) {
	log := e.log()
	if height > uint64(len(log)) || height+1 < e.first() {
		return nil
	}
	for _, s := range log[height:min(uint64(len(log)), height+100)] {
		out = append(out, s.entry)
	}
	return out
}

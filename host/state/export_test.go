package state

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Blob is what is known about one blob.
type Blob struct {
	SizeBytes uint64
	Holders   []mesh.NodeID // in the order in which they were first heard of
}

// Blob returns one blob; ok is false if no node holds it.
func (s *State) Blob(id mesh.BlobID) (b Blob, ok bool) {
	if e := s.blobs.get(id); e != nil {
		return Blob{SizeBytes: e.size, Holders: e.holders}, true
	}
	return Blob{}, false
}

// Window returns the backoff after the next crash.
func (g Gate) Window(p RestartPolicy) time.Duration { return max(g.window, p.Initial) }

// Facts returns what is kept of the nodes: who is lost, who is leaving, who is barred.
func (s *State) Facts() [3]any { return [3]any{s.Lost(), s.LeavingNow(), s.Barred()} }

// PlainFacts returns the same by walking everything.
func (s *State) PlainFacts() [3]any {
	return [3]any{s.LostNodes(), s.LeavingNodes(), s.BarredNodes()}
}

// Entries returns copies of all entries that readers follow, without what only says when
// something is looked at again.
func (s *State) Entries() (daemons map[mesh.DaemonID]any, chains map[mesh.ChainID]any, peers, avoided map[mesh.NodeID]any) {
	daemons, chains = make(map[mesh.DaemonID]any), make(map[mesh.ChainID]any)
	peers, avoided = make(map[mesh.NodeID]any), make(map[mesh.NodeID]any)
	for id, d := range s.daemons.all() {
		one := *d
		one.Set, one.queued = 0, 0
		next, waits := s.NextStart(d.Daemon)
		daemons[id] = []any{one, s.Waiting(d.Daemon), s.StartError(d.Daemon), next, waits}
	}
	for id, c := range s.chains.all() {
		one := *c
		one.Set = 0
		one.set(chainKept, false)
		chains[id] = one
	}
	for id, p := range s.peers.all() {
		one := *p
		one.Set, one.queued = 0, 0
		if p.inventory.empty() {
			one.inventory = nil
		} else {
			one.inventory = &inventory{facts: p.inventory.facts, measured: p.inventory.measured}
		}
		from := []*origin{&one.rttFrom}
		if p.echoing != nil {
			e := *p.echoing
			e.paths = slices.Clone(e.paths)
			one.echoing = &e
			from = append(from, &e.from)
			for i := range e.paths {
				from = append(from, &e.paths[i].from)
			}
		}
		one.verdicts = slices.Clone(p.verdicts)
		for i := range one.verdicts {
			from = append(from, &one.verdicts[i].from)
		}
		for _, o := range from {
			*o = origin{probed: o.probed} // a renewal is not a touch
		}
		peers[id] = one
	}
	for id, a := range s.avoid.all() {
		avoided[id] = a.Avoided
	}
	return daemons, chains, peers, avoided
}

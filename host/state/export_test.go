package state

import (
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

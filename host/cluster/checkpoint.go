package cluster

import (
	"encoding/hex"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
)

const (
	// MarkEvery is how many entries lie between two heights at which a checkpoint may be.
	MarkEvery = 64
	// marksMost is how many such heights are known: so long an operator has to find others who
	// sign a checkpoint.
	marksMost = 32
)

// Mark is what the log led to at a height.
type Mark struct {
	Height uint64
	Sum    Hash
}

// Marks returns at which heights a checkpoint may be now, ascending.
func (s *State) Marks() []Mark {
	out := slices.Clone(s.marks)
	if s.height > 0 && s.height%MarkEvery == 0 {
		out = append(out, Mark{s.height, s.Sum()})
	}
	return out
}

// Checkpoint returns the last checkpoint and the height of the entry that made it; zero for
// none.
func (s *State) Checkpoint() (at Mark, entry uint64) { return s.checkpoint, s.checkpointAt }

// mark notes what the log leads to, before the next entry is folded. The state at a height does
// not have the mark of that height, so that its hash is that of the mark.
func (s *State) mark() {
	if s.height == 0 || s.height%MarkEvery != 0 {
		return
	}
	if len(s.marks) > 0 && s.marks[len(s.marks)-1].Height == s.height {
		return
	}
	s.marks = append(slices.Clip(s.marks), Mark{s.height, s.Sum()})
	if len(s.marks) > marksMost {
		s.marks = slices.Clone(s.marks[len(s.marks)-marksMost:])
	}
}

// setCheckpoint folds a checkpoint: what operators signed has to be what the log led to.
func (s *State) setCheckpoint(ev mesh.Checkpoint, out *Outcome) *rules.Rejection {
	i := slices.IndexFunc(s.marks, func(m Mark) bool { return m.Height == ev.Height })
	switch {
	case ev.Height <= s.checkpoint.Height:
		return rules.Reject(KindCheckpoint, "there is a checkpoint at height %d already", s.checkpoint.Height)
	case i < 0:
		return rules.Reject(KindCheckpoint, "height %d is none at which a checkpoint may be: they lie %d entries apart, and only the newest %d count; run `meshos mesh checkpoint` again",
			ev.Height, MarkEvery, marksMost)
	case s.marks[i].Sum != Hash(ev.State):
		return rules.Reject(KindCheckpoint, "at height %d the log leads to %s, and the checkpoint says %s: the node that proposed it has another log",
			ev.Height, s.marks[i].Sum, hex.EncodeToString(ev.State[:6]))
	}
	s.checkpoint, s.checkpointAt = s.marks[i], out.Place.Height
	out.Checkpoint = true
	return nil
}

package reconcile

import (
	"fmt"
	"strings"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// member adds what the mesh says of a node, whose word that is and how old.
func (e *explainer) member(p state.Peer) {
	const arm = "mesh"
	m := p.Member
	if m == nil {
		return
	}
	what := "it is a member"
	if m.Seed {
		what = "it is a member and carries the ordered log"
	}
	heard := "and was never heard of"
	if m.Heard {
		heard = fmt.Sprintf("heard of %s ago", round(e.s.Now().Since(m.HeardAt)))
	}
	switch {
	case !m.Gone:
		e.say(arm, "%s with a session, %s", what, heard)
	case m.Orderly:
		e.say(arm, "%s without a session: it ended in order, %s", what, heard)
	default:
		e.say(arm, "%s without a session, %s", what, heard)
	}
	if m.Summary != nil {
		e.ownWord(p)
	}
	if p.Health != mesh.HealthUnreachable || m.Gone {
		return
	}
	n, of := e.s.Doubters(p.ID)
	if p.FromHere {
		e.say(arm, "it is unreachable from here: of %d other members %d can't reach it, so it is not evicted for that", of, n)
	} else if of > 0 {
		e.say(arm, "of %d other members %d can't reach it either", of, n)
	}
}

// ownWord adds what a node says of itself, and whether that counts.
func (e *explainer) ownWord(p state.Peer) {
	const arm = "mesh"
	w := p.Member.Summary
	said := []string{phase(w.Phase)}
	if w.Cordoned {
		said = append(said, "cordoned")
	}
	if w.Draining {
		said = append(said, "draining")
	}
	text := fmt.Sprintf("by its own word, after order %d of the mesh, it is %s", w.Height, strings.Join(said, ", "))
	if !p.OwnWord {
		text += fmt.Sprintf("; that does not count yet, since order %d is about it", p.OrderedAt)
	}
	e.say(arm, "%s", text)
	if len(w.Labels) > 0 {
		var labels []string
		for _, l := range w.Labels {
			labels = append(labels, l.Key+" = "+l.Value)
		}
		e.say(arm, "its labels: %s", strings.Join(labels, ", "))
	}
	if w.Trouble != "" {
		e.say(arm, "it says: %s", w.Trouble)
	}
	if w.LogFrozen {
		e.say(arm, "it takes no orders of the mesh any more: its log is frozen")
	}
}

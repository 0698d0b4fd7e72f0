package reconcile

import (
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Finding is what one arm found about a subject, in words: the condition, its values, since
// when it holds, and what the arm waits for.
type Finding struct {
	Arm  string
	Text string
}

// Explanation explains why the arms act on a subject or do not.
type Explanation struct {
	Subject  string
	Unknown  bool // this node does not know the subject
	Findings []Finding
}

// explainer collects findings. It uses the decisions of the arms and the same state, and
// changes nothing.
type explainer struct {
	d   *diff
	s   *state.State
	out Explanation
}

// newExplainer decides about one chain (0: about none) and about all other subjects. On a
// large mesh, deciding about all chains would take too long.
func newExplainer(s *state.State, subject string, chain mesh.ChainID) *explainer {
	d := newDiff(s)
	d.scope = &scope{allDaemons: true, allPeers: true}
	if chain != 0 {
		d.scope.chains = []mesh.ChainID{chain}
	}
	e := &explainer{d: d.decide(), s: s, out: Explanation{Subject: subject}}
	if left, frozen := s.Frozen(); frozen {
		e.say("freeze", "acting is frozen for another %s, so no arm wants anything", round(left))
	}
	return e
}

func (e *explainer) say(arm, format string, args ...any) {
	e.out.Findings = append(e.out.Findings, Finding{Arm: arm, Text: fmt.Sprintf(format, args...)})
}

// keys adds a finding for each action about the subject that is wanted or was handed out.
func (e *explainer) keys(keys ...mesh.ActionKey) {
	for _, key := range keys {
		i := slices.IndexFunc(e.d.wants, func(w want) bool { return w.action.Key() == key })
		st, known := e.s.Status(key)
		switch {
		case known && st.Outstanding:
			e.say("actions", "%s was handed out %s ago as action %d and has not ended", key.Kind, round(st.Since), st.ID)
		case known && st.Failed != "" && i < 0: // it failed, and is not wanted any more
		case known && st.Failed != "":
			e.say("actions", "%s is wanted; action %d failed (%s), and it is handed out again %s", key.Kind, st.ID, st.Failed, soon(st.Quiet))
		case known && st.Quiet > 0:
			e.say("actions", "%s was done %s ago as action %d; it is not handed out again for another %s", key.Kind, round(st.Since), st.ID, round(st.Quiet))
		case i >= 0:
			e.say("actions", "%s is wanted and is handed out by the next pass", key.Kind)
		}
	}
}

func unknown(what string, id uint64) Explanation {
	return Explanation{Subject: fmt.Sprintf("%s %d", what, id), Unknown: true, Findings: []Finding{{
		Arm: "state", Text: fmt.Sprintf("this node has never heard of %s %d", what, id),
	}}}
}

func soon(d time.Duration) string {
	if d <= 0 {
		return "by the next pass"
	}
	return "in " + round(d).String()
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }

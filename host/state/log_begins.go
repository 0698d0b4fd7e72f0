package state

import (
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// applyLogged folds a verdict of the log of the mesh. It was made in the time of the log, by
// rules that are the same on all nodes: nothing is judged here again. What was ordered at this
// node's own door about the same is over.
func (s *State) applyLogged(in mesh.JudgedCommit) []Effect {
	if in.Restored {
		s.auditCommand(in)
		return s.soon
	}
	o := s.origin(in.Ordered, in.Operators)
	if in.Ordered.Height == 1 {
		s.logBegins(o)
	}
	s.auditCommand(in)
	if in.Outcome.Verdict == mesh.VerdictRejected || in.Late {
		return s.soon
	}
	return append(s.carryOut(in.Event, o), PassSoon{})
}

// logBegins ends what was ordered while the node ran alone: from here on the log of the mesh
// says what holds. The node's log says what ended.
func (s *State) logBegins(o Origin) {
	var ended []string
	end := func(format string, args ...any) { ended = append(ended, fmt.Sprintf(format, args...)) }
	if s.local.draining || s.local.drained {
		end("its drain")
	}
	if inMaintenance(s.local.phase) {
		end("its maintenance")
	}
	s.exitMaintenance(s.node, o)
	s.endOrdersAboutNodes(o, end)
	for _, id := range s.orderedDaemons() {
		d := s.daemons.get(id)
		end("what was ordered of daemon %s", d.Ref)
		s.orderRun(d.Ref, mesh.IntentNone, o)
	}
	for _, c := range s.Orders().Chains {
		end("what was ordered of chain %d", c.Chain)
		s.orderDesired(c.Chain, nil, o)
		s.orderHold(c.Chain, mesh.HoldNone, o)
	}
	if _, frozen := s.Frozen(); frozen {
		end("its freeze")
	}
	s.forced, s.frozen, s.frozenHere = nil, false, false
	if len(ended) == 0 {
		return
	}
	const shown = 20
	more := ""
	if n := len(ended) - shown; n > 0 {
		ended, more = ended[:shown], fmt.Sprintf(" and %d more", n)
	}
	text := ""
	for i, what := range ended {
		if i > 0 {
			text += ", "
		}
		text += what
	}
	s.recordLog(mesh.LogLine{Level: mesh.LevelWarn, Message: "the log of the mesh begins here, so what was ordered of this node alone is over: " + text + more})
}

// endOrdersAboutNodes ends the cordons and drains of all nodes, and what was ordered of the
// maintenance of others.
func (s *State) endOrdersAboutNodes(o Origin, end func(format string, args ...any)) {
	var ids []mesh.NodeID
	for id := range s.peers.all() {
		if n, ordered := s.NodeOrder(id); ordered {
			ids = append(ids, id)
			if n.Cordoned {
				end("the cordon of node %d", id)
			}
		}
	}
	for _, id := range ids {
		if p := s.peers.edit(id); p != nil && p.phaseOrdered && id != s.node {
			p.phase, p.phaseOrdered = mesh.PhaseUnknown, false
		}
		s.uncordon(id, o)
	}
	s.uncordon(s.node, o)
}

// orderedDaemons returns the daemons about which something was ordered, by id.
func (s *State) orderedDaemons() (ids []mesh.DaemonID) {
	for id := range s.daemons.all() {
		if o, _ := s.DaemonOrder(id); o.Run != nil || o.Pin != nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

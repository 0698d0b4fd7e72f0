package state

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// maxFreeze bounds how long a freeze may last.
const maxFreeze = 24 * time.Hour

// applyUnsigned judges a command without a signature. The command is audited in any case,
// and carried out unless it is rejected. AllowUnsigned is not for break-glass commands.
func (s *State) applyUnsigned(in mesh.AdminReceived, place mesh.Place) []Effect {
	out := mesh.Verification{Verdict: mesh.VerdictUnverified}
	if s.operators && (!s.allowUnsigned || in.Event.BreakGlass()) {
		out = rejected(mesh.RejectUnsigned, "operators are configured, so the command must be signed")
	}
	return s.applyCommand(mesh.JudgedCommit{Event: in.Event, Outcome: out, Reason: in.Reason, Ordered: place})
}

// applyCommand audits a judged command, and carries it out unless it is rejected: by who
// judged it, or here, because it can't be or because the cluster was frozen when the command
// was ordered.
func (s *State) applyCommand(in mesh.JudgedCommit) []Effect {
	if in.Refusal != nil { // what it is about was refused, or came by itself
		s.auditCommand(in)
		return nil
	}
	if in.Ordered.Mesh {
		return s.applyLogged(in)
	}
	o := s.origin(in.Ordered, in.Operators)
	if in.Outcome.Verdict != mesh.VerdictRejected {
		if why := malformed(in.Event); why != "" {
			in.Outcome = rejected(mesh.RejectMalformed, why)
		} else if left, frozen := s.frozenAt(o.At); frozen && !in.Event.BreakGlass() {
			in.Outcome = rejected(mesh.RejectFrozen, fmt.Sprintf("the cluster is frozen for another %s", readable(left)))
		}
	}
	s.auditCommand(in)
	if in.Outcome.Verdict == mesh.VerdictRejected {
		return s.soon // whoever sent it looks for its record
	}
	return append(s.carryOut(in.Event, o), PassSoon{})
}

// readable rounds a duration for people to tenths of a second, unless it is shorter than a
// second.
func readable(d time.Duration) time.Duration {
	if d < time.Second {
		return d
	}
	return d.Round(100 * time.Millisecond)
}

func rejected(kind, message string) mesh.Verification {
	return mesh.Verification{Verdict: mesh.VerdictRejected, Kind: kind, Message: message}
}

// malformed returns what is wrong with a command, or "".
func malformed(ev mesh.AdminEvent) string {
	if f, ok := ev.(mesh.FreezeCluster); ok && (f.TTL <= 0 || f.TTL > maxFreeze) {
		return fmt.Sprintf("a freeze lasts more than 0 and at most %s, not %s", maxFreeze, f.TTL)
	}
	switch ev.(type) {
	case mesh.AdmitNode, mesh.ExpelNode, mesh.SetSigners, mesh.SetChain, mesh.Checkpoint, mesh.AcknowledgeRecovery:
		return ev.Kind() + " is for the log of a mesh, and this node belongs to none; `meshos mesh init` makes one"
	}
	return ""
}

func (s *State) carryOut(ev mesh.AdminEvent, o Origin) []Effect {
	switch ev := ev.(type) {
	case mesh.EnterMaintenance:
		s.enterMaintenance(ev, o)
	case mesh.ExitMaintenance:
		s.exitMaintenance(ev.Node, o)
	case mesh.Drain:
		s.drain(ev, o)
	case mesh.Cordon:
		s.peers.ensure(ev.Node).cordon(o)
	case mesh.Uncordon:
		s.uncordon(ev.Node, o)
	case mesh.RestartAllDaemons:
		if ev.Node == s.node {
			s.restartAll(o)
		}
	case mesh.ClearAvoidList:
		if ev.Node == s.node {
			s.clearAvoidList()
		}
	case mesh.DropReplicas:
		if ev.Node == s.node {
			for _, id := range ev.Chains {
				s.orderHold(id, mesh.HoldDrop, o)
			}
		}
	case mesh.InvalidatePlacement:
		s.invalidatePlacement(ev.Node)
	case mesh.SetChain:
		s.setChain(ev, o)
	case mesh.FreezeCluster:
		s.freeze(o.At, ev.TTL)
		s.frozenHere = !o.Mesh
	case mesh.ThawCluster:
		s.frozen = false
	case mesh.FlushAvoidLists:
		s.flushAvoidLists(ev)
	case mesh.ForceEvictReplica:
		s.addForced(ForcedOrder{Chain: ev.Chain, Node: ev.Victim}, o.At)
	case mesh.ForceCutover:
		s.addForced(ForcedOrder{Place: true, Chain: ev.Chain, Node: ev.Target}, o.At)
	case mesh.ForceRestartDaemon:
		if ev.Node == 0 || ev.Node == s.node {
			s.restart(ev.Daemon, o)
		}
	case mesh.KillMigration:
		if ev.Node != 0 && ev.Node != s.node {
			return nil
		}
		return []Effect{AbortMigration{Migration: ev.Migration, Reason: "killed by an operator"}}
	default:
		return s.carryOutHere(ev, o)
	}
	return nil
}

// carryOutHere carries out the commands that only the node that they name carries out.
func (s *State) carryOutHere(ev mesh.AdminEvent, o Origin) []Effect {
	switch ev := ev.(type) {
	case mesh.SetDaemonIntent:
		if ev.Node == s.node {
			s.orderRun(ev.Daemon, ev.Intent, o)
		}
	case mesh.SetPlacement:
		if ev.Node == s.node {
			s.orderDesired(ev.Chain, ev.Desired, o)
		}
	case mesh.SetLocalReplica:
		if ev.Node == s.node {
			s.orderHold(ev.Chain, ev.Intent, o)
		}
	case mesh.RestartDaemon:
		if ev.Node == s.node {
			s.restart(ev.Daemon, o)
		}
	case mesh.ReloadDaemon:
		if ev.Node == s.node {
			s.call(ev.Daemon, Call{})
		}
	case mesh.SignalDaemon:
		if ev.Node == s.node {
			s.call(ev.Daemon, Call{Signal: ev.Signal})
		}
	case mesh.StopNode:
		if ev.Node == s.node {
			return []Effect{EndNode{}}
		}
	}
	return nil
}

// setChain takes over how many replicas a chain of the mesh has, and over which label they are
// spread: whichever node leads it asks for them.
func (s *State) setChain(ev mesh.SetChain, o Origin) {
	if ev.Deleted {
		s.orderDesired(ev.Chain, nil, o)
		return
	}
	c := s.chains.ensure(ev.Chain)
	s.setCount(c, &CountOrder{Desired: ev.Replicas, Over: c.seldom().file.Replicas, Spread: ev.Spread, OfMesh: true, By: o})
}

func (s *State) freeze(at mesh.Time, ttl time.Duration) {
	s.frozen, s.freezeUntil = true, at.Add(ttl)
}

package state_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

func TestCore242_SchedulerDefaults(t *testing.T) {
	p := statetest.Policy()
	equal(t, "floor", p.ScoreFloor, 0.5)
	equal(t, "gap", p.HysteresisGap, 0.2)
	equal(t, "cooldown", p.RebalanceCooldown, 5*time.Minute)
	equal(t, "interval", p.DecisionInterval, 30*time.Second)
}

// B11, B12a and B14 test what else each of them does.
func TestCore112_CommandsAboutNodesAreAuditedOnce(t *testing.T) {
	w := newWorld(t)
	for i, ev := range []mesh.AdminEvent{
		mesh.Drain{Node: 9},
		mesh.Cordon{Node: 9},
		mesh.Uncordon{Node: 9},
		mesh.RestartAllDaemons{Node: 9},
		mesh.InvalidatePlacement{Node: 9},
	} {
		w.admin(ev)
		audit := w.s.Audit()
		equal(t, ev.Kind()+": records", len(audit), i+1)
		equal(t, "about", audit[i].Event.Kind(), ev.Kind())
	}
	m := w.s.Maintenance()
	equal(t, "this node is as it was", m.Draining || m.Cordoned || m.Phase != mesh.PhaseActive, false)
}

func TestCore124_RecoveryEndsWhenActiveIsObserved(t *testing.T) {
	w := newWorld(t)
	for _, p := range []mesh.MaintenancePhase{mesh.PhaseEntering, mesh.PhaseMaintenance, mesh.PhaseExiting, mesh.PhaseRecovery, mesh.PhaseActive} {
		w.observe(p)
		equal(t, "phase", w.phase(), p)
	}
	equal(t, "since", w.s.Maintenance().HasSince, false)
}

func TestCore308_AnAcceptedCommandIsFoldedAndKeptWithItsOperator(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) { b.Operators = true })
	w.input(mesh.JudgedCommit{
		Event:     mesh.Cordon{Node: 1},
		Outcome:   mesh.Verification{Verdict: mesh.VerdictAccepted},
		Operators: []mesh.Operator{{KeyID: "SHA256:x", Name: "ann", Verified: true}},
		CommitID:  []byte{1, 2},
	})
	equal(t, "folded", w.s.Cordoned(1), true)
	record := w.s.Audit()[0]
	equal(t, "verdict", record.Outcome.Verdict, mesh.VerdictAccepted)
	equal(t, "operators", len(record.Operators), 1)
	equal(t, "operator", record.Operators[0], mesh.Operator{KeyID: "SHA256:x", Name: "ann", Verified: true})
	equal(t, "commit", string(record.CommitID), "\x01\x02")
}

func TestCHN06_TheRecordOfAMaintenanceTransition(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.EnterMaintenance{Node: this})
	commit := mesh.CommitTransition{Node: this, Target: mesh.PhaseMaintenance}
	e := w.s.HandOut(commit)
	w.to(1).outcome(e.ID, true, "")
	ends := w.s.Actions()
	equal(t, "records", len(ends), 1)
	equal(t, "id", ends[0].ID, e.ID)
	equal(t, "kind", ends[0].Action.Kind(), "commit_maintenance_transition")
	equal(t, "end", ends[0].End, mesh.ActionDispatched)
}

func TestCHN12_256FailuresAreKept(t *testing.T) {
	w := newWorld(t)
	for range 261 {
		w.input(mesh.FailureReport{Source: "x", Reason: "y"})
	}
	failures := w.s.Failures()
	equal(t, "kept", len(failures), 256)
	equal(t, "the oldest is number 6 of 261", failures[0].Seq, 6)
	equal(t, "newest", failures[255].Seq, 261)
}

func TestIMP12_FailuresOfAllSourcesHaveOneSequence(t *testing.T) {
	w := newWorld(t)
	for i := range mesh.ChainID(20) {
		w.input(mesh.FailureReport{Source: "probe", Reason: "away"})
		w.outcome(w.s.HandOut(mesh.DropReplica{Chain: i + 1}).ID, false, "no")
	}
	failures := w.s.Failures()
	equal(t, "failures", len(failures), 40)
	for i, f := range failures {
		equal(t, "seq", f.Seq, uint64(i+1))
	}
}

func TestIMP17_SequencesBeginAt1(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.Cordon{Node: 1})
	w.hear(mesh.LogLine{Message: "a"})
	w.input(mesh.FailureReport{Source: "x", Reason: "y"})
	w.outcome(w.s.HandOut(mesh.DropReplica{Chain: 1}).ID, true, "")
	equal(t, "audit", w.s.Audit()[0].Seq, 1)
	equal(t, "log", w.s.Logs()[0].Seq, 1)
	equal(t, "failure", w.s.Failures()[0].Seq, 1)
	equal(t, "action", w.s.Actions()[0].Seq, 1)
	equal(t, "epoch", w.s.Epoch(), 7)
}

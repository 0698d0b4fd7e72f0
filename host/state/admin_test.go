package state_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func (w *world) avoid(peers ...mesh.NodeID) {
	for _, p := range peers {
		e := w.s.HandOut(mesh.MarkAvoid{Peer: p, Reason: "slow", TTL: time.Minute})
		w.input(mesh.Outcome{ID: e.ID, OK: true, Final: true})
	}
}

func (w *world) avoided() (out []mesh.NodeID) {
	for id := range w.s.AvoidList() {
		out = append(out, id)
	}
	return out
}

func (w *world) frozen() bool { _, f := w.s.Frozen(); return f }

func TestCore085_AnAvoidEntryThatEndsNowIsOver(t *testing.T) {
	w := newWorld(t)
	w.avoid(1)
	w.tick(59.9)
	equalNodes(t, "before", w.avoided(), 1)
	w.tick(60)
	equalNodes(t, "at its time", w.avoided())
}

func TestB14_Core086_ClearAvoidListIsForTheNamedNode(t *testing.T) {
	w := newWorld(t)
	w.avoid(1, 2)
	w.admin(mesh.ClearAvoidList{Node: 5})
	equalNodes(t, "another node's list", w.avoided(), 1, 2)
	w.admin(mesh.ClearAvoidList{Node: this})
	equalNodes(t, "this node's list", w.avoided())
}

func TestCore088_089_091_FlushAvoidLists(t *testing.T) {
	w := newWorld(t)
	w.avoid(1, 2, 3)
	w.admin(mesh.FlushAvoidLists{Local: 5})
	equalNodes(t, "another node's", w.avoided(), 1, 2, 3)
	w.admin(mesh.FlushAvoidLists{OnPeer: 2}, mesh.FlushAvoidLists{OnPeer: 77})
	equalNodes(t, "on peer 2", w.avoided(), 1, 3)
	w.admin(mesh.FlushAvoidLists{Local: this})
	equalNodes(t, "local", w.avoided())
	w.avoid(1, 2, 3, 4, 5)
	w.admin(mesh.FlushAvoidLists{Global: true})
	equalNodes(t, "global", w.avoided())
}

func TestCore092_094_095_097_098_Freeze(t *testing.T) {
	w := newWorld(t)
	w.to(5).admin(mesh.FreezeCluster{TTL: 30 * time.Second})
	left, frozen := w.s.Frozen()
	equal(t, "frozen", frozen, true)
	equal(t, "for", left, 30*time.Second)
	w.to(34.9).hear(mesh.LogLine{})
	equal(t, "just before its end", w.frozen(), true)
	w.to(35).hear(mesh.LogLine{})
	equal(t, "Core098 at its end, without any tick", w.frozen(), false)
	w.tick(35)
	equal(t, "after a tick", w.frozen(), false)
	w.admin(mesh.ThawCluster{})
	equal(t, "Core094 a thaw of nothing", w.frozen(), false)
	w.admin(mesh.FreezeCluster{TTL: time.Hour}, mesh.FreezeCluster{TTL: time.Second})
	left, _ = w.s.Frozen()
	equal(t, "a later freeze replaces an earlier one", left, time.Second)
}

func TestCore313_314_FreezeGate(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.FreezeCluster{TTL: time.Minute}, mesh.Cordon{Node: 1})
	equal(t, "unsigned", w.verdict().Kind, mesh.RejectFrozen)
	equal(t, "folded", w.s.Cordoned(1), false)
	w.input(mesh.JudgedCommit{Event: mesh.Cordon{Node: 1}, Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted}, Operators: []mesh.Operator{{Name: "eve", Verified: true}}})
	equal(t, "signed", w.verdict().Kind, mesh.RejectFrozen)
	if ops := w.s.Audit()[2].Operators; len(ops) != 1 || !ops[0].Verified {
		t.Errorf("B20: the signature was checked before the freeze gate: %v", ops)
	}
	equal(t, "folded", w.s.Cordoned(1), false)
	w.input(mesh.JudgedCommit{Event: mesh.ThawCluster{}, Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted}})
	equal(t, "frozen", w.frozen(), false)
}

func TestB20_AFreezeLastsMoreThanNothingAndAtMostADay(t *testing.T) {
	for ttl, kind := range map[time.Duration]string{
		0: mesh.RejectMalformed, -time.Second: mesh.RejectMalformed, 24*time.Hour + 1: mesh.RejectMalformed,
		24 * time.Hour: "", 1: "",
	} {
		w := newWorld(t)
		w.admin(mesh.FreezeCluster{TTL: ttl})
		equal(t, ttl.String(), w.verdict().Kind, kind)
		equal(t, ttl.String()+" freezes", w.frozen(), kind == "")
	}
}

func TestB20_UnsignedCommandsWithOperators(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) { b.Operators = true })
	if effects := w.admin(mesh.Cordon{Node: 1}, mesh.KillMigration{Migration: 9}); len(effects) != 0 {
		t.Errorf("a rejected command had effects: %v", effects)
	}
	equal(t, "kind", w.verdict().Kind, mesh.RejectUnsigned)
	equal(t, "folded", w.s.Cordoned(1), false)
	w.input(mesh.JudgedCommit{Event: mesh.Cordon{Node: 1}, Outcome: mesh.Verification{Verdict: mesh.VerdictRejected, Kind: "replayed"}})
	equal(t, "a rejection from outside is kept", w.verdict().Kind, "replayed")
	equal(t, "folded", w.s.Cordoned(1), false)

	w = newWorld(t, func(b *state.Boot) { b.Operators, b.AllowUnsigned = true, true })
	w.admin(mesh.Cordon{Node: 1})
	equal(t, "allowed", w.verdict().Verdict, mesh.VerdictUnverified)
	equal(t, "folded", w.s.Cordoned(1), true)
	w.admin(mesh.FreezeCluster{TTL: time.Minute})
	equal(t, "break-glass", w.verdict().Kind, mesh.RejectUnsigned)
	equal(t, "frozen", w.frozen(), false)
}

func TestCore307_CommandsAreAuditedUnverifiedWithoutOperators(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.Cordon{Node: 1}, mesh.RestartAllDaemons{Node: 1}, mesh.InvalidatePlacement{Node: 1})
	audit := w.s.Audit()
	equal(t, "records", len(audit), 3)
	for i, a := range audit {
		equal(t, "seq", a.Seq, uint64(i+1))
		equal(t, "verdict", a.Outcome.Verdict, mesh.VerdictUnverified)
		equal(t, "operators", len(a.Operators), 0)
	}
}

func TestCore305_KillMigrationIsAnEffectAfterTheFold(t *testing.T) {
	w := newWorld(t)
	effects := w.admin(mesh.KillMigration{Migration: 0xCAFE})
	if len(effects) != 1 || effects[0] != (state.AbortMigration{Migration: 0xCAFE, Reason: "killed by an operator"}) {
		t.Errorf("got %v", effects)
	}
	if effects := w.admin(mesh.Cordon{Node: 1}); len(effects) != 0 {
		t.Errorf("MIG05: a cordon aborts nothing: %v", effects)
	}
}

func TestCore320_TheAuditRingKeepsTheNewest(t *testing.T) {
	w := newWorld(t)
	var seen []mesh.AuditRecord
	for i := range 1000 {
		w.admin(mesh.Cordon{Node: mesh.NodeID(i + 1)})
		if i == 299 {
			seen = w.s.Audit()
		}
	}
	audit := w.s.Audit()
	equal(t, "kept", len(audit), state.AuditRing)
	equal(t, "oldest", audit[0].Seq, uint64(1000-state.AuditRing+1))
	equal(t, "newest", audit[len(audit)-1].Seq, 1000)
	equal(t, "what a reader holds stays as it was", seen[len(seen)-1].Seq, 300)
	equal(t, "oldest a reader holds", seen[0].Seq, 300-state.AuditRing+1)
}

func TestB11_CordonsAreASet(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.Cordon{Node: 1}, mesh.Cordon{Node: this})
	equal(t, "peer", w.s.Cordoned(1), true)
	equal(t, "this node", w.s.Maintenance().Cordoned, true)
	equal(t, "a cordon evacuates nothing", w.s.Evacuating(), false)
	w.admin(mesh.Uncordon{Node: 1}, mesh.Uncordon{Node: this}, mesh.Uncordon{Node: 77})
	equal(t, "peer", w.s.Cordoned(1), false)
	equal(t, "this node", w.s.Maintenance().Cordoned, false)
	if _, ok := w.s.Peer(1); ok {
		t.Error("B17: nothing is left of the peer")
	}
}

func TestCore110_ForcedOrdersKeepTheirOrder(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.ForceEvictReplica{Chain: 100, Victim: 7}, mesh.ForceCutover{Chain: 5, Target: 1},
		mesh.ForceEvictReplica{Chain: 200, Victim: 9}, mesh.ForceEvictReplica{Chain: 100, Victim: 7})
	got := w.s.Forced()
	equal(t, "orders, the same one once", len(got), 3)
	equal(t, "first", got[0].Chain, 100)
	equal(t, "second", got[1].Place, true)
	equal(t, "third", got[2].Node, 9)
}

func TestB3_ForcedOrdersOutliveAFreezeAndAMissingLeaderForAWhile(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.FreezeCluster{TTL: time.Hour}, mesh.ForceEvictReplica{Chain: 1, Victim: 7})
	w.tick(299)
	equal(t, "waiting", len(w.s.Forced()), 1)
	w.tick(300)
	equal(t, "waiting", len(w.s.Forced()), 0)
	equal(t, "source", w.lastFailure().Source, "force-evict-replica:1")
	equal(t, "reason", w.lastFailure().Reason, "given up after 5m0s: the cluster is frozen")

	w = newWorld(t)
	w.admin(mesh.ForceCutover{Chain: 1, Target: 7})
	w.tick(300)
	equal(t, "reason", w.lastFailure().Reason, "given up after 5m0s: no leader of the chain is known")
}

func TestB3_Core181_ForcedOrdersGoWhenAnotherNodeLeads(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.ForceEvictReplica{Chain: 1, Victim: 7})
	w.hear(mesh.ReplicaLeader{Chain: 1, Leader: this})
	w.tick(1)
	equal(t, "led here", len(w.s.Forced()), 1)
	w.hear(mesh.ReplicaLeader{Chain: 1, Leader: 9})
	w.tick(2)
	equal(t, "led elsewhere", len(w.s.Forced()), 0)
	equal(t, "failures", len(w.s.Failures()), 0)
}

func TestAcknowledgedMovesForwardOnly(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.Cordon{Node: 1}, mesh.Cordon{Node: 2}, mesh.Cordon{Node: 3})
	ack := func(n uint64) { w.input(mesh.Acknowledged{Chain: mesh.ChainAudit, Through: n}) }
	ack(2)
	equal(t, "through", w.s.Acknowledged().Audit, 2)
	ack(1)
	equal(t, "never back", w.s.Acknowledged().Audit, 2)
	ack(99)
	equal(t, "never past what was written", w.s.Acknowledged().Audit, 3)
}

func TestFreezeIsKeptOverARestart(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) { b.FreezeRemaining = time.Minute })
	left, _ := w.s.Frozen()
	equal(t, "left", left, time.Minute)
}

func TestTimeSaturates(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.EnterMaintenance{Node: this, DrainFor: window(1<<63 - 1)})
	if m := w.s.Maintenance(); m.Deadline != mesh.Never {
		t.Errorf("deadline %d", m.Deadline)
	}
}

// The record of an order that came as an event carries nothing out by itself, also while the
// cluster is frozen.
func TestTheRecordOfAnUnsignedOrderChangesNothing(t *testing.T) {
	s := state.New(state.Boot{Node: 1, FreezeRemaining: time.Minute})
	s.Apply(mesh.Stamp{}, mesh.JudgedCommit{
		Outcome: mesh.Verification{Verdict: mesh.VerdictUnverified},
		Refusal: &mesh.Refusal{Source: "api", Kind: "daemon_intent", Order: mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 3}, Intent: mesh.IntentRun}},
	})
	for d := range s.Daemons() {
		t.Errorf("there is daemon %v", d)
	}
	if audit := s.Audit(); len(audit) != 1 || audit[0].Outcome.Verdict != mesh.VerdictUnverified || audit[0].Refusal.Kind != "daemon_intent" {
		t.Errorf("audited %+v", audit)
	}
}

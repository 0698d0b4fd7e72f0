package state_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func (w *world) outcome(id mesh.ActionID, ok bool, reason string) {
	w.input(mesh.Outcome{ID: id, OK: ok, Reason: reason, Final: true})
}

func TestCore002_IDsCountFromOne(t *testing.T) {
	w := newWorld(t)
	for i := range mesh.ActionID(3) {
		equal(t, "id", w.s.HandOut(mesh.DropReplica{Chain: mesh.ChainID(i + 1)}).ID, i+1)
	}
}

func TestB1_AKeyIsOutstandingThenQuiet(t *testing.T) {
	w := newWorld(t)
	a := mesh.DropReplica{Chain: 1}
	e := w.s.HandOut(a)
	equal(t, "outstanding", w.s.Outstanding(a.Key()), true)
	equal(t, "ready", w.s.Ready(a.Key()), false)
	w.to(1).outcome(e.ID, true, "")
	w.tick(5.9)
	equal(t, "ready while settling", w.s.Ready(a.Key()), false)
	w.s.Forget(wantNothing)
	equal(t, "ready while the drop counts as done, and so is not wanted", w.s.Ready(a.Key()), false)
	w.tick(6)
	equal(t, "ready when settled", w.s.Ready(a.Key()), true)
}

func TestB1_WhatSettlesIsForgottenWhenItsReasonIsGone(t *testing.T) {
	succeeds := func(w *world, a mesh.Action) { w.outcome(w.s.HandOut(a).ID, true, "") }
	here, other := mesh.ReplicaUpdate{Chain: 7, Holder: this}, mesh.ReplicaUpdate{Chain: 7, Holder: 2}
	change := func(ev mesh.ReplicaUpdate, to mesh.ReplicaChange) mesh.Event { ev.Change = to; return ev }
	added := func(ev mesh.ReplicaUpdate) mesh.Event { return change(ev, mesh.ReplicaAdded) }
	lost := func(ev mesh.ReplicaUpdate) mesh.Event { return change(ev, mesh.ReplicaLost) }
	for _, c := range []struct {
		name   string
		before []mesh.Event
		action mesh.Action
		news   []mesh.Event // all of it before the next pass
	}{
		{"a start, reported", nil, mesh.StartDaemon{Daemon: ref(1)}, []mesh.Event{mesh.DaemonStarted{Daemon: ref(1)}}},
		{
			"a stop, reported",
			[]mesh.Event{mesh.DaemonStarted{Daemon: ref(1)}},
			mesh.StopDaemon{Daemon: ref(1)},
			[]mesh.Event{mesh.DaemonExited{Daemon: ref(1)}},
		},
		{"a pull whose replica is lost again", nil, mesh.PullReplica{Chain: 7, Source: 2}, []mesh.Event{added(here), lost(here)}},
		{"a drop", []mesh.Event{added(here)}, mesh.DropReplica{Chain: 7}, []mesh.Event{lost(here), added(here)}},
		{"an eviction", []mesh.Event{added(other)}, mesh.RequestEviction{Chain: 7, Victim: 2}, []mesh.Event{lost(other), added(other)}},
		{"a placement on a target", nil, mesh.RequestPlacement{Chain: 7, Target: 2}, []mesh.Event{added(other), lost(other)}},
		{"a phase that was reached", nil, mesh.CommitTransition{Node: this, Target: mesh.PhaseMaintenance}, nil},
		{"a mark", nil, mesh.MarkAvoid{Peer: 5, TTL: time.Minute}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, first := range []string{"the outcome", "the news"} {
				w := newWorld(t)
				w.hear(c.before...)
				if first == "the outcome" {
					succeeds(w, c.action)
					w.hear(c.news...)
				} else {
					e := w.s.HandOut(c.action)
					w.hear(c.news...)
					w.outcome(e.ID, true, "")
				}
				equal(t, "ready at once, with "+first+" first", w.s.Ready(c.action.Key()), true)
			}
		})
	}
	t.Run("any, when no pass wants it", func(t *testing.T) {
		w := newWorld(t)
		a := mesh.RequestPlacement{Chain: 7}
		succeeds(w, a)
		w.s.Forget(func(key mesh.ActionKey) bool { return key == a.Key() })
		equal(t, "ready while wanted", w.s.Ready(a.Key()), false)
		w.s.Forget(wantNothing)
		equal(t, "ready", w.s.Ready(a.Key()), true)
	})
}

func TestB1_FailuresBackOffUntilASuccess(t *testing.T) {
	w := newWorld(t)
	a := mesh.DropReplica{Chain: 1}
	wanted := map[mesh.ActionKey]bool{a.Key(): true}
	at := 0.0
	for _, wait := range []float64{1, 2, 4, 8, 16, 32, 60, 60} {
		e := w.to(at).s.HandOut(a)
		w.outcome(e.ID, false, "no")
		w.tick(at + wait - 0.001)
		w.s.Forget(func(key mesh.ActionKey) bool { return wanted[key] })
		equal(t, "ready too early", w.s.Ready(a.Key()), false)
		at += wait
		w.tick(at)
		equal(t, "ready in time", w.s.Ready(a.Key()), true)
	}
	e := w.s.HandOut(a)
	w.outcome(e.ID, true, "")
	w.tick(at + 5)
	e = w.s.HandOut(a)
	w.outcome(e.ID, false, "no")
	w.tick(at + 6)
	equal(t, "a success resets the backoff", w.s.Ready(a.Key()), true)
	equal(t, "reason", w.lastFailure().Reason, "drop_replica 1: no")

	w.s.Forget(wantNothing)
	e = w.s.HandOut(a)
	w.outcome(e.ID, false, "no")
	w.s.Forget(wantNothing)
	equal(t, "when the reason is gone the key is forgotten", w.s.Ready(a.Key()), true)
}

func TestB1_AnOutcomeThatNeverComesIsOneFailure(t *testing.T) {
	w := newWorld(t)
	a := mesh.StartDaemon{Daemon: ref(1)}
	e := w.s.HandOut(a)
	equal(t, "lifecycle", w.daemon(1).Lifecycle, state.Starting)
	w.tick(59.9)
	equal(t, "failures", len(w.s.Failures()), 0)
	w.tick(60)
	w.tick(60.5)
	equal(t, "failures", len(w.s.Failures()), 1)
	equal(t, "source", w.lastFailure().Source, "action:1")
	equal(t, "reason", w.lastFailure().Reason, "start_daemon 1 (d): no outcome within 1m0s")
	equal(t, "lifecycle", w.daemon(1).Lifecycle, state.Stopped)
	w.outcome(e.ID, true, "") // too late to count
	equal(t, "still waiting for its backoff", w.s.Ready(a.Key()), false)
	w.tick(61)
	equal(t, "ready again", w.s.Ready(a.Key()), true)
}

func TestB1_ADaemonThatNeverReportsStartedFallsBack(t *testing.T) {
	w := newWorld(t)
	e := w.s.HandOut(mesh.StartDaemon{Daemon: ref(1)})
	w.outcome(e.ID, true, "")
	w.tick(59)
	equal(t, "lifecycle", w.daemon(1).Lifecycle, state.Starting)
	w.tick(60)
	equal(t, "lifecycle", w.daemon(1).Lifecycle, state.Stopped)
	equal(t, "failures", len(w.s.Failures()), 0)
}

func TestB1_ARetryIsNotTheEnd(t *testing.T) {
	w := newWorld(t)
	a := mesh.DropReplica{Chain: 1}
	e := w.s.HandOut(a)
	w.to(50).input(mesh.Outcome{ID: e.ID, Reason: "busy"})
	w.tick(100)
	equal(t, "outstanding", w.s.Outstanding(a.Key()), true)
	w.tick(110)
	equal(t, "outstanding", w.s.Outstanding(a.Key()), false)
}

func TestB3_AStartOrStopThatFailsFallsBack(t *testing.T) {
	w := newWorld(t)
	e := w.s.HandOut(mesh.StartDaemon{Daemon: ref(1)})
	w.outcome(e.ID, false, "no such file")
	equal(t, "after a failed start", w.daemon(1).Lifecycle, state.Stopped)
	w.hear(mesh.DaemonStarted{Daemon: ref(1)})
	e = w.s.HandOut(mesh.StopDaemon{Daemon: ref(1), Deadline: sec(30)})
	equal(t, "stopping", w.daemon(1).Lifecycle, state.Stopping)
	w.outcome(e.ID, false, "not allowed")
	equal(t, "after a failed stop", w.daemon(1).Lifecycle, state.Running)
	if d := w.daemon(1); !d.StopAsked || d.StopDeadline != sec(30) {
		t.Error("a stop that is asked again keeps its deadline")
	}
	w.s.Forget(wantNothing)
	if w.daemon(1).StopAsked {
		t.Error("once the stop is not wanted any more, its deadline goes")
	}
}

func TestB3_AStopThatFailsDoesNotBringBackAStartThatFailed(t *testing.T) {
	w := newWorld(t)
	start := w.s.HandOut(mesh.StartDaemon{Daemon: ref(1)})
	stop := w.s.HandOut(mesh.StopDaemon{Daemon: ref(1), Deadline: sec(30)})
	w.outcome(start.ID, false, "no such file")
	equal(t, "while stopping", w.daemon(1).Lifecycle, state.Stopping)
	w.outcome(stop.ID, false, "not allowed")
	equal(t, "in the end", w.daemon(1).Lifecycle, state.Stopped)

	start = w.s.HandOut(mesh.StartDaemon{Daemon: ref(1)})
	stop = w.s.HandOut(mesh.StopDaemon{Daemon: ref(1), Deadline: sec(30)})
	w.outcome(stop.ID, false, "not allowed")
	equal(t, "after a failed stop", w.daemon(1).Lifecycle, state.Starting)
	w.outcome(start.ID, false, "no such file")
	equal(t, "the other way round", w.daemon(1).Lifecycle, state.Stopped)
}

func TestAStopWhoseEndIsNeverReportedFallsBack(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonStarted{Daemon: ref(1)})
	e := w.s.HandOut(mesh.StopDaemon{Daemon: ref(1), Deadline: sec(30)})
	w.outcome(e.ID, true, "")
	w.tick(89)
	equal(t, "lifecycle", w.daemon(1).Lifecycle, state.Stopping)
	w.tick(90)
	equal(t, "lifecycle", w.daemon(1).Lifecycle, state.Running)
	w.s.HandOut(mesh.StopDaemon{Daemon: ref(1), Deadline: sec(30)})
	w.tick(91)
	equal(t, "asked again", w.daemon(1).Lifecycle, state.Stopping)
}

func TestB2_ABackoffThatWasAppliedIsRemembered(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonCrashed{Daemon: ref(1)})
	until, _ := w.daemon(1).Gate.ReleaseAt()
	e := w.s.HandOut(mesh.ApplyBackoff{Daemon: ref(1), Until: until})
	equal(t, "handed out", w.daemon(1).AppliedBackoff, 0)
	w.outcome(e.ID, true, "")
	equal(t, "applied", w.daemon(1).AppliedBackoff, until)
	w.tick(1)
	equal(t, "forgotten when the gate opens", w.daemon(1).AppliedBackoff, 0)
}

func TestEveryEndLeavesAnActionRecord(t *testing.T) {
	w := newWorld(t)
	one := w.s.HandOut(mesh.DropReplica{Chain: 1})
	two := w.s.HandOut(mesh.DropReplica{Chain: 2})
	w.outcome(one.ID, true, "")
	w.outcome(two.ID, false, "no")
	w.outcome(two.ID, false, "again") // it ended before
	w.outcome(99, true, "")           // never handed out
	recs := w.s.Actions()
	equal(t, "records", len(recs), 2)
	equal(t, "first", recs[0].End, mesh.ActionDispatched)
	equal(t, "second", recs[1].End, mesh.ActionFailed)
	equal(t, "reason", recs[1].Reason, "no")
}

func TestB4_AnActionThatIsNoLongerWantedIsNotAFailure(t *testing.T) {
	w := newWorld(t)
	a := mesh.StartDaemon{Daemon: ref(1)}
	e := w.s.HandOut(a)
	w.outcome(e.ID, false, mesh.ReasonNotWanted)
	equal(t, "failures", len(w.s.Failures()), 0)
	equal(t, "lifecycle", w.daemon(1).Lifecycle, state.Stopped)
	equal(t, "ready at once", w.s.Ready(a.Key()), true)
	equal(t, "recorded", w.s.Actions()[0].Reason, mesh.ReasonNotWanted)
}

func TestAGatedActionIsRecordedAsSuch(t *testing.T) {
	w := newWorld(t)
	e := w.s.HandOut(mesh.StartDaemon{Daemon: ref(1)})
	w.input(mesh.Outcome{ID: e.ID, Reason: "daemon-backoff", Final: true, Gated: true, RetryAfter: time.Second})
	rec := w.s.Actions()[0]
	equal(t, "end", rec.End, mesh.ActionGated)
	equal(t, "retry after", rec.RetryAfter, time.Second)
	equal(t, "failures", len(w.s.Failures()), 1)
}

func TestB1_AFreezeTakesNoReasonAway(t *testing.T) {
	w := newWorld(t)
	drop := mesh.DropReplica{Chain: 1}
	w.outcome(w.s.HandOut(drop).ID, false, "no")
	w.hear(mesh.DaemonStarted{Daemon: ref(1)})
	w.outcome(w.s.HandOut(mesh.StopDaemon{Daemon: ref(1), Deadline: sec(30)}).ID, false, "no")
	w.admin(mesh.FreezeCluster{TTL: 2 * time.Second})
	w.tick(0.5)
	w.s.Forget(wantNothing) // a frozen pass wants nothing
	equal(t, "still backing off", w.s.Ready(drop.Key()), false)
	equal(t, "the stop keeps its deadline", w.daemon(1).StopAsked, true)
	w.tick(2)
	w.s.Forget(wantNothing)
	equal(t, "thawed, and the reason gone", w.daemon(1).StopAsked, false)
}

func TestB1_AStopThatOvertookItsStartKeepsItsDeadline(t *testing.T) {
	w := newWorld(t)
	w.s.HandOut(mesh.StartDaemon{Daemon: ref(1)})
	stop := w.s.HandOut(mesh.StopDaemon{Daemon: ref(1), Deadline: sec(30)})
	w.to(1).hear(mesh.DaemonStarted{Daemon: ref(1)})
	w.outcome(stop.ID, false, "not yet")
	if d := w.daemon(1); !d.StopAsked || d.StopDeadline != sec(30) {
		t.Errorf("asked %v, deadline %v", d.StopAsked, d.StopDeadline)
	}
}

func TestAFailureWithoutAReasonSaysSo(t *testing.T) {
	w := newWorld(t)
	w.outcome(w.s.HandOut(mesh.DropReplica{Chain: 1}).ID, false, "")
	equal(t, "reason", w.lastFailure().Reason, "drop_replica 1: it failed without a reason")
}

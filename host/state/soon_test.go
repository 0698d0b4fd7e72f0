package state_test

import (
	"slices"
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func soon(effects []state.Effect) bool {
	return slices.Contains(effects, state.Effect(state.PassSoon{}))
}

// Orders, and what other things may wait for, ask for a pass; measurements and lines don't,
// however many there are.
func TestWhatAsksForAPassBeforeTheNextTick(t *testing.T) {
	accepted := mesh.Verification{Verdict: mesh.VerdictAccepted}
	for name, c := range map[string]struct {
		in   mesh.Input
		want bool
	}{
		"command":          {mesh.JudgedCommit{Event: mesh.Cordon{Node: 3}, Outcome: accepted}, true},
		"rejected command": {mesh.JudgedCommit{Event: mesh.Cordon{Node: 3}, Outcome: mesh.Verification{Verdict: mesh.VerdictRejected}}, true},
		"malformed":        {mesh.JudgedCommit{Event: mesh.FreezeCluster{}, Outcome: accepted}, true},
		"refusal":          {mesh.JudgedCommit{Refusal: &mesh.Refusal{}}, false},
		"unsigned command": {mesh.Heard{Event: mesh.AdminReceived{Event: mesh.Cordon{Node: 3}}}, true},
		"intent":           {mesh.Heard{Event: mesh.DaemonIntent{Daemon: ref(1), Intent: mesh.IntentRun}}, true},
		"reload":           {mesh.Reload{}, true},
		"daemon started":   {mesh.Heard{Event: mesh.DaemonStarted{Daemon: ref(1)}}, true},
		"daemon exited":    {mesh.Heard{Event: mesh.DaemonExited{Daemon: ref(1)}}, true},
		"daemon crashed":   {mesh.Heard{Event: mesh.DaemonCrashed{Daemon: ref(1)}}, true},
		"line":             {mesh.Heard{Event: mesh.LogLine{Message: "x"}}, false},
		"rtt":              {mesh.Heard{Event: mesh.RTTSample{Peer: 2, RTT: 1}}, false},
		"health":           {mesh.Heard{Event: mesh.HealthSample{Peer: 2, Health: mesh.HealthHealthy}}, false},
		"replica":          {mesh.Heard{Event: mesh.ReplicaUpdate{Chain: 7, Holder: 2}}, false},
		"samples":          {mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{{Peer: 2, RTT: 1}}}, false},
		"unknown outcome":  {mesh.Outcome{ID: 99, OK: true, Final: true}, false},
		"failure":          {mesh.FailureReport{Source: "x"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			equal(t, "asks for a pass", soon(w.s.Apply(stamp(w.at), c.in)), c.want)
		})
	}
}

func TestTheEndOfAnActionAsksForAPassAndItsProgressDoesNot(t *testing.T) {
	w := newWorld(t)
	e := w.s.HandOut(mesh.RequestPlacement{Chain: 7})
	equal(t, "progress", soon(w.s.Apply(stamp(w.at), mesh.Outcome{ID: e.ID})), false)
	equal(t, "end", soon(w.s.Apply(stamp(w.at), mesh.Outcome{ID: e.ID, Final: true, OK: true})), true)
	equal(t, "a second end", soon(w.s.Apply(stamp(w.at), mesh.Outcome{ID: e.ID, Final: true, OK: true})), false)
}

func TestOnlyTheChangeOfADaemonsHealthAsksForAPass(t *testing.T) {
	w := newWorld(t)
	w.s.Apply(stamp(w.at), mesh.Heard{Event: mesh.DaemonStarted{Daemon: ref(1)}})
	healthy := mesh.Heard{Event: mesh.DaemonHealthChanged{Daemon: ref(1), Health: mesh.DaemonHealth{Status: mesh.DaemonHealthy}}}
	equal(t, "first", soon(w.s.Apply(stamp(w.at), healthy)), true)
	equal(t, "again", soon(w.s.Apply(stamp(w.at), healthy)), false)
}

func TestEarlyTicksAreNotCountedAsTicks(t *testing.T) {
	w := newWorld(t)
	w.s.Tick(stamp(w.at))
	w.s.EarlyTick(stamp(w.at))
	w.s.EarlyTick(stamp(w.at))
	equal(t, "ticks", w.s.Ticks(), 1)
	equal(t, "passes", w.s.Passes(), 3)
}

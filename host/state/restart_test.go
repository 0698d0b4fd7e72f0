package state_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

var policy = statetest.Policy().Restart

// step is something that happens to a gate: s(tart), c(rash), e(xit), r(elease)
// or f(orce), at a second.
type step struct {
	what byte
	at   float64
}

func drive(p state.RestartPolicy, steps []step) *state.Gate {
	g := &state.Gate{}
	for _, st := range steps {
		switch at := sec(st.at); st.what {
		case 's':
			g.Started(at, p)
		case 'c':
			g.Crashed(at, p)
		case 'e':
			g.Ended(at, p)
		case 'r':
			g.Release(at)
		case 'f':
			g.Force(p)
		}
	}
	return g
}

func TestGate(t *testing.T) {
	spaced := func(n int, every float64) (out []step) {
		for i := range n {
			out = append(out, step{'c', float64(i) * every})
		}
		return out
	}
	cases := []struct {
		name   string
		steps  []step
		state  state.GateState
		until  float64 // seconds, for a closed gate
		window time.Duration
	}{
		{"Core040 fresh gate is idle", nil, state.GateIdle, 0, 500 * time.Millisecond},
		{"Core041 first crash backs off half a second", spaced(1, 1), state.GateBackingOff, 0.5, time.Second},
		{"Core043 five crashes in a row loop", spaced(5, 1), state.GateCrashLooping, 4 + 300, 500 * time.Millisecond},
		{"Core044 old crashes leave the window", append(spaced(4, 1), step{'c', 120}), state.GateBackingOff, 128, 16 * time.Second},
		{"Core046 the window doubles", spaced(1, 1), state.GateBackingOff, 0.5, time.Second},
		{"B15 a run whose end nobody reported ends with the next start", []step{{'c', 0}, {'s', 1}, {'s', 61}}, state.GateIdle, 0, 500 * time.Millisecond},
		{"Core047 a short run forgives nothing", []step{{'c', 0}, {'s', 1}, {'s', 5}}, state.GateIdle, 0, time.Second},
		{"Core049 released when its time is over", []step{{'c', 0}, {'r', 0.6}}, state.GateIdle, 0, time.Second},
		{"Core052 the window is capped", spaced(15, 200), state.GateBackingOff, 14*200 + 60, time.Minute},
		{"Core053 force forgives", []step{{'c', 0}, {'c', 1}, {'f', 1}}, state.GateIdle, 0, 500 * time.Millisecond},
		{"Core058 a crash while looping starts the cooldown again", append(spaced(5, 1), step{'c', 10}), state.GateCrashLooping, 310, 500 * time.Millisecond},
		{"Core059 a start opens a looping gate", append(spaced(5, 1), step{'s', 10}), state.GateIdle, 0, 500 * time.Millisecond},
		{"Core061 after the cooldown it begins small", append(spaced(5, 1), step{'r', 304}, step{'c', 305}), state.GateBackingOff, 305.5, time.Second},
		{"B15 Core062 start to start is not a run", []step{{'s', 0}, {'c', 1}, {'s', 60}}, state.GateIdle, 0, time.Second},
		{"Core065 a clean exit after a stable run resets", []step{{'c', 0}, {'s', 1}, {'e', 61}}, state.GateIdle, 0, 500 * time.Millisecond},
		{"Core065 a clean exit a second earlier does not", []step{{'c', 0}, {'s', 1}, {'e', 60}}, state.GateIdle, 0, time.Second},
		{"B15 a crash after a stable run counts as the first", []step{{'c', 0}, {'s', 1}, {'c', 61}}, state.GateBackingOff, 61.5, time.Second},
		{"B15 a crash a second earlier pays the old window", []step{{'c', 0}, {'s', 1}, {'c', 60}}, state.GateBackingOff, 61, 2 * time.Second},
		{"Core067 crashes of before a release count", append(spaced(4, 1), step{'r', 50}, step{'c', 51}), state.GateCrashLooping, 351, 500 * time.Millisecond},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := drive(policy, c.steps)
			equal(t, "state", g.State(), c.state)
			equal(t, "window", g.Window(policy), c.window)
			until, closed := g.ReleaseAt()
			equal(t, "closed", closed, c.state != state.GateIdle)
			if closed {
				equal(t, "until", until, sec(c.until))
			}
		})
	}
}

func TestGateAnswers(t *testing.T) {
	g := drive(policy, []step{{'c', 0}})
	until, _ := g.ReleaseAt()
	if g.Admits(until - mesh.Time(time.Millisecond)) {
		t.Error("Core050: admits a start before its time")
	}
	if !g.Admits(until) {
		t.Error("a gate whose time is exactly over should admit a start")
	}
	if g.Release(until - 1) {
		t.Error("released before its time")
	}
	if !g.Release(until) || g.Release(until) {
		t.Error("Core049, Core064: a release should be reported once, and never of an idle gate")
	}
	if g.Force(policy) {
		t.Error("forcing an idle gate should report false")
	}
	g.Crashed(sec(9), policy)
	if !g.Force(policy) {
		t.Error("Core053: forcing a closed gate should report true")
	}

	three := policy
	three.CrashLoopThreshold = 3
	g = drive(three, []step{{'c', 0}, {'c', 1}, {'c', 2}})
	equal(t, "Core055 state", g.State(), state.GateCrashLooping)
	if !g.Force(three) || g.State() != state.GateIdle {
		t.Error("Core056: force should open a looping gate")
	}
}

// A gate closes for at most the cooldown, and a crash always closes it.
func TestGateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &state.Gate{}
		now := sec(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "gap")))
			switch rapid.SampledFrom([]byte("scer")).Draw(t, "what") {
			case 's':
				g.Started(now, policy)
			case 'c':
				g.Crashed(now, policy)
				until, closed := g.ReleaseAt()
				if wait := until.Sub(now); !closed || wait < policy.Initial || wait > policy.CrashLoopCooldown {
					t.Fatalf("after a crash: closed %v for %v", closed, wait)
				}
			case 'e':
				g.Ended(now, policy)
			case 'r':
				g.Release(now)
			}
			if w := g.Window(policy); w < policy.Initial || w > policy.Max {
				t.Fatalf("window %v is out of bounds", w)
			}
		}
	})
}

package chains

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const patience = 30 * time.Second

func swap() Change {
	return Change{Kind: Swap, Stream: "c7", Self: "a", Targets: []string{"d"}, Victim: "c"}
}

// begin makes a change with an engine.
func (e *engine) begin(t testing.TB, c Change, each func(m *Move, s Step)) *Move {
	t.Helper()
	m := New(c, patience, e.now)
	e.run(t, m, func(s Step) {
		if each != nil {
			each(m, s)
		}
	})
	return m
}

func (e *engine) held(t testing.TB, want ...string) {
	t.Helper()
	got := slices.Clone(e.holders)
	slices.Sort(got)
	if !slices.Equal(got, want) || e.desired != nil {
		t.Errorf("%v hold it and %v is under way, not %v", got, e.desired, want)
	}
}

func ends[E error](t testing.TB, m *Move) (as E) {
	t.Helper()
	if !errors.As(m.Err(), &as) {
		t.Fatalf("%s ends with %v, not %T", m.Change, m.Err(), as)
	}
	return as
}

func done(t testing.TB, m *Move) {
	t.Helper()
	if m.Err() != nil {
		t.Errorf("%s: %v", m.Change, m.Err())
	}
}

func TestEachChangeIsOneRequestOnceTheTagCounts(t *testing.T) {
	for _, c := range []struct {
		change Change
		before []string
		tag    []string
		ask    Ask
		after  []string
	}{
		{Change{Kind: Create, Targets: []string{"a", "d", "g"}, Replicas: 3}, nil, []string{"a", "d", "g"}, AskCreate, []string{"a", "d", "g"}},
		{swap(), []string{"a", "b", "c"}, []string{"c", "d"}, AskEvacuate, []string{"a", "b", "d"}},
		{Change{Kind: Grow, Self: "a", Targets: []string{"d"}, Replicas: 2}, []string{"a"}, []string{"d"}, AskReplicas, []string{"a", "d"}},
		{Change{Kind: Shrink, Self: "a", Replicas: 2}, []string{"a", "b", "c"}, nil, AskReplicas, []string{"a", "b"}},
		{Change{Kind: Handover, Self: "a", Targets: []string{"b"}}, []string{"a", "b", "c"}, nil, AskStepDown, []string{"a", "b", "c"}},
	} {
		c.change.Stream = "c7"
		e := newEngine(c.before...).tag(c.tag...)
		m := e.begin(t, c.change, nil)
		done(t, m)
		e.held(t, c.after...)
		if last := e.asked[len(e.asked)-1]; last != c.ask || e.count(c.ask) != len(e.asked) {
			t.Errorf("%s asked %v", c.change, e.asked)
		}
		if c.change.Kind == Handover && e.leader != "b" {
			t.Errorf("%s leads", e.leader)
		}
		e.asked = nil
		if m = e.begin(t, c.change, nil); e.asked != nil || c.change.Kind != Handover && m.Err() != nil {
			t.Errorf("%s, which is done: %v, asked %v", c.change, m.Err(), e.asked)
		}
	}
}

func TestATagThatNeverCountsIsARefusal(t *testing.T) {
	e := newEngine("a", "b", "c")
	m := e.begin(t, swap(), nil)
	if r := ends[*RefusedError](t, m); r.Code != CodeNoRemap || !strings.Contains(r.Error(), "peer remap failed") {
		t.Errorf("%+v", r)
	}
	e.held(t, "a", "b", "c")
}

func TestALostAnswerIsNoRefusal(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		for _, late := range []time.Duration{0, time.Second, 3 * time.Second} {
			e := newEngine("a", "b", "c").tag("c", "d")
			e.tagAfter, e.lose, e.loseQuiet, e.recordIn = 0, 1, quiet, late
			m := e.begin(t, swap(), nil)
			done(t, m)
			e.held(t, "a", "b", "d")
			if want := map[bool]int{false: 1, true: 2}[quiet]; e.count(AskEvacuate) != want && late < 3*time.Second {
				t.Errorf("quiet %t, late by %s: asked %v", quiet, late, e.asked)
			}
		}
	}
	e := newEngine().tag("a", "b", "c")
	e.tagAfter, e.lose = 0, 1
	m := e.begin(t, Change{Kind: Create, Stream: "c7", Targets: []string{"a", "b", "c"}, Replicas: 3}, nil)
	done(t, m)
	if e.count(AskCreate) != 1 {
		t.Errorf("asked %v", e.asked)
	}
}

func TestASilentTargetIsCancelledBeforeItIsAddedDead(t *testing.T) {
	e := newEngine("a", "b", "c").tag("c", "d")
	e.lag = 1000
	m := e.begin(t, swap(), func(m *Move, s Step) {
		if m.seen && e.now.Sub(m.watched) > 2*time.Second && e.alive("d") {
			e.kill("d")
		}
	})
	if c := ends[*CancelledError](t, m); c.Reason != "d has fallen silent" {
		t.Errorf("%+v", c)
	}
	e.held(t, "a", "b", "c")
}

func TestATargetThatWasAddedDeadIsSaid(t *testing.T) {
	e := newEngine("a", "b", "c").tag("c", "d")
	e.lag = 1000
	m := e.begin(t, swap(), func(m *Move, s Step) {
		switch {
		case m.seen && e.alive("d"):
			e.kill("d")
		case s.Ask == AskBack:
			e.advance(e.now.Add(4 * time.Second)) // the request is late
		}
	})
	if d := ends[*AddedDeadError](t, m); d.Target != "d" {
		t.Errorf("%+v", d)
	}
}

func TestNothingIsAskedOfAStreamWithoutALeader(t *testing.T) {
	for _, kind := range []Kind{Grow, Shrink, Swap, Handover, Follow} {
		e := newEngine("a", "b", "c").tag("c", "d")
		e.mute = true
		c := swap()
		c.Kind, c.Replicas = kind, 4
		m := e.begin(t, c, nil)
		ends[*LeaderlessError](t, m)
		if e.asked != nil {
			t.Errorf("%s asked %v", c, e.asked)
		}
	}
}

func TestALeaderThatComesBackInTimeIsWaitedFor(t *testing.T) {
	e := newEngine("a", "b", "c").tag("c", "d")
	e.mute = true
	began := e.now
	m := e.begin(t, swap(), func(*Move, Step) { e.mute = e.now.Sub(began) < 9*time.Second })
	done(t, m)
}

func TestBreakingTheGlassNeedsNoLeader(t *testing.T) {
	e := newEngine("a", "c").tag("c", "d")
	e.mute = true
	e.kill("c")
	c := swap()
	c.Kind = Replace
	m := e.begin(t, c, func(*Move, Step) { e.mute = len(e.asked) == 0 || e.now.Sub(e.tagged["d"]) < 5*time.Second })
	done(t, m)
	e.held(t, "a", "d")
}

func TestWhoDoesNotLeadAsksNothing(t *testing.T) {
	e := newEngine("b", "a", "c").tag("c", "d")
	if err := ends[*ElsewhereError](t, e.begin(t, swap(), nil)); err.Leader != "b" || e.asked != nil {
		t.Errorf("%+v, asked %v", err, e.asked)
	}
}

func TestWithoutTheVictimsConsentASwapCantBeTakenBack(t *testing.T) {
	e := newEngine("a", "b", "c").tag("d")
	e.stuck = true
	m := e.begin(t, swap(), nil)
	if err := ends[*RefusedError](t, m); err.Error() != "c7: the engine refuses: it stood still for 30s, and it can't be taken back: peer remap failed (10075)" {
		t.Errorf("%v", err)
	}
}

func TestAGrowthIsTakenBackByTheEngine(t *testing.T) {
	e := newEngine("a", "b").tag("d")
	e.stuck = true
	m := e.begin(t, Change{Kind: Grow, Stream: "c7", Self: "a", Targets: []string{"d"}, Replicas: 3}, nil)
	if ends[*CancelledError](t, m); e.count(AskCancel) != 1 {
		t.Errorf("asked %v", e.asked)
	}
	e.held(t, "a", "b")
}

func TestTheNextLeaderGoesOnWithWhatIsUnderWay(t *testing.T) {
	e := newEngine("a", "b", "c").tag("c", "d")
	e.lag = 100
	m := e.begin(t, swap(), func(m *Move, s Step) {
		if m.seen {
			e.leader = "b"
		}
	})
	ends[*ElsewhereError](t, m)
	next := e.begin(t, Change{Kind: Follow, Stream: "c7", Self: "b"}, nil)
	done(t, next)
	e.held(t, "a", "b", "d")
	if e.count(AskEvacuate) != len(e.asked) {
		t.Errorf("asked %v", e.asked)
	}
}

func TestTheNextLeaderCancelsForASilentTarget(t *testing.T) {
	e := newEngine("b", "a", "c").tag("c", "d")
	e.lag = 1000
	e.want([]string{"b", "a", "d"}, 3)
	m := e.begin(t, Change{Kind: Follow, Stream: "c7", Self: "b"}, func(m *Move, s Step) {
		if e.now.Sub(m.began) > 2*time.Second && e.alive("d") {
			e.kill("d")
		}
	})
	ends[*CancelledError](t, m)
	e.held(t, "a", "b", "c")
}

func TestAnotherChangeIsLeftAlone(t *testing.T) {
	e := newEngine("a", "b", "c").tag("c", "d")
	e.stuck = true
	e.want([]string{"a", "b", "x"}, 3)
	if err := ends[*BusyError](t, e.begin(t, swap(), nil)); !strings.Contains(err.Error(), "a, b, x") || e.asked != nil {
		t.Errorf("%v, asked %v", err, e.asked)
	}
}

func TestAChangeThatStandsStillIsCancelled(t *testing.T) {
	e := newEngine("a", "b", "c").tag("c", "d")
	e.stuck = true
	m := e.begin(t, swap(), nil)
	if c := ends[*CancelledError](t, m); c.Reason != "it stood still for 30s" {
		t.Errorf("%+v", c)
	}
	e.held(t, "a", "b", "c")
}

func TestAChangeThatAdvancesMayTakeLong(t *testing.T) {
	e := newEngine("a", "b", "c").tag("c", "d")
	e.lag = 6000 // 5 minutes
	m := e.begin(t, swap(), nil)
	done(t, m)
	e.held(t, "a", "b", "d")
}

// What the engine copies first it does not count. The target says how much it has.
func TestAChangeWhoseTargetGrowsMayTakeLong(t *testing.T) {
	e := newEngine("a", "b", "c").tag("c", "d")
	e.stuck = true
	began := e.now
	m := e.begin(t, swap(), func(m *Move, _ Step) {
		if since := e.now.Sub(began); since < 5*time.Minute {
			m.Copied(e.now, uint64(since))
		}
	})
	if c := ends[*CancelledError](t, m); c.Reason != "it stood still for 30s" {
		t.Errorf("%+v", c)
	}
	if took := e.now.Sub(began); took < 5*time.Minute {
		t.Errorf("it was cancelled after %s, when it still advanced", took)
	}
}

func TestCancelledFromOutside(t *testing.T) {
	e := newEngine("a", "b", "c").tag("c", "d")
	e.stuck, e.lose = true, 0
	m := e.begin(t, swap(), func(m *Move, s Step) {
		if m.seen {
			e.lose = 1 // the answer to the first cancellation
			m.Cancel(e.now, "killed by alice")
		}
	})
	if c := ends[*CancelledError](t, m); c.Reason != "killed by alice" {
		t.Errorf("%+v", c)
	}
	e.held(t, "a", "b", "c")

	e = newEngine("a", "b", "c")
	m = New(swap(), patience, e.now)
	m.Cancel(e.now, "killed by alice")
	if ends[*CancelledError](t, m); e.asked != nil {
		t.Errorf("asked %v", e.asked)
	}
}

func TestAChangeThatIsDoneBeforeItsCancellationIsDone(t *testing.T) {
	e := newEngine("a", "b", "c").tag("c", "d")
	m := e.begin(t, swap(), func(m *Move, s Step) {
		if m.seen && s.Ask == AskInfo && m.reason == "" {
			m.Cancel(e.now, "killed by alice")
			e.advance(e.now.Add(5 * time.Second))
		}
	})
	done(t, m)
	e.held(t, "a", "b", "d")
}

func TestWhatDoesNotFitIsRefusedUnasked(t *testing.T) {
	late := newEngine("a", "b", "c")
	late.kill("b")
	late.advance(late.now.Add(3 * time.Second))
	for _, c := range []struct {
		e      *engine
		change Change
		want   string
	}{
		{newEngine("a", "b"), Change{Kind: Swap, Self: "a", Targets: []string{"d"}, Victim: "c"}, "c does not hold it"},
		{newEngine("a", "b", "c"), Change{Kind: Swap, Self: "a", Targets: []string{"b"}, Victim: "c"}, "b holds it already"},
		{newEngine("a", "b", "c"), Change{Kind: Grow, Self: "a", Targets: []string{"d"}, Replicas: 3}, "3 hold it already"},
		{newEngine("a"), Change{Kind: Shrink, Self: "a", Replicas: 2}, "only 1 hold it"},
		{newEngine("a", "b"), Change{Kind: Handover, Self: "a", Targets: []string{"d"}}, "d does not hold it"},
		{late, Change{Kind: Handover, Self: "a", Targets: []string{"b"}}, "b does not have all of it now"},
		{newEngine("a", "b"), Change{Kind: Create, Targets: []string{"c", "d"}, Replicas: 2}, "it exists, on [a b]"},
		{newEngine(), Change{Kind: Shrink, Self: "a", Replicas: 2}, "there is no such stream"},
	} {
		c.change.Stream = "c7"
		err := ends[*RefusedError](t, c.e.begin(t, c.change, nil))
		if err.Error() != "c7: "+c.want || c.e.asked != nil {
			t.Errorf("%s: %q, asked %v", c.change, err, c.e.asked)
		}
	}
}

func TestARefusalEndsTheChange(t *testing.T) {
	e := newEngine("a", "b", "c").tag("c", "d")
	e.refuse = &Answer{Code: 10023, Text: "insufficient resources"}
	err := ends[*RefusedError](t, e.begin(t, swap(), nil))
	if err.Error() != "c7: the engine refuses: insufficient resources (10023)" || len(e.asked) != 1 {
		t.Errorf("%q, asked %v", err, e.asked)
	}
}

// Whatever goes wrong, a change ends, what it reports is so, and there are never fewer copies
// than before but by a shrink.
func TestAnyHistoryEndsAsReported(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		e := newEngine("a", "b", "c").tag("c", "d")
		e.tagAfter = time.Duration(rapid.IntRange(0, 700).Draw(r, "tag")) * time.Millisecond
		e.lag = uint64(rapid.IntRange(0, 400).Draw(r, "lag"))
		e.recordIn = time.Duration(rapid.IntRange(0, 1500).Draw(r, "record")) * time.Millisecond
		e.loseQuiet = rapid.Bool().Draw(r, "quiet")
		c := swap()
		c.Kind = rapid.SampledFrom([]Kind{Grow, Shrink, Swap, Handover}).Draw(r, "kind")
		switch c.Kind {
		case Grow:
			c.Replicas, c.Victim = 4, ""
		case Shrink:
			c.Replicas, c.Victim, c.Targets = 2, "", nil
		case Handover:
			c.Targets = []string{"b"}
		}
		m := New(c, patience, e.now)
		e.run(t, m, func(s Step) {
			switch rapid.IntRange(0, 30).Draw(r, "fault") {
			case 0:
				e.lose = 1
			case 1:
				e.mute = !e.mute
			case 2:
				e.kill("d")
			case 3:
				if s.Ask == AskInfo { // a request is not under way
					m.Cancel(e.now, "enough")
				}
			case 4:
				e.stuck = !e.stuck
			}
			if s.Ask != AskInfo && s.Ask != AskCancel && s.Ask != AskBack && e.mute && e.now.Sub(m.led) > LookEvery+2*tagEvery {
				r.Fatalf("asked %v although nobody leads", s.Ask)
			}
			least := 3
			if c.Kind == Shrink {
				least = 2
			}
			if len(e.holders) < least {
				r.Fatalf("%v hold it", e.holders)
			}
		})
		if i, _ := e.info(); m.Err() == nil && !e.mute && e.alive("d") && !c.reached(i) {
			r.Fatalf("%s is done, with %+v", c, i)
		}
		var cancelled *CancelledError
		if errors.As(m.Err(), &cancelled) && e.record == nil && (e.desired != nil || len(e.holders) != 3 || slices.Contains(e.holders, "d")) {
			r.Fatalf("%s: %v, with %v and %v", c, m.Err(), e.holders, e.desired)
		}
	})
}

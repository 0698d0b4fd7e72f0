package age_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/records/age"
)

const (
	day   = 24 * time.Hour
	month = 30 * day
)

func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

// machine has a wall clock that can be set, and a steady one.
type machine struct {
	t      *testing.T
	clock  *age.Clock
	wall   time.Time
	steady time.Duration
	jumps  []string
	back   int // how often the clock became believed again
}

// started starts a node that ran a moment ago.
func started(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, wall: noon()}
	m.start(age.State{Wall: noon().Add(-time.Minute)}, time.Time{})
	return m
}

func (m *machine) start(kept age.State, newest time.Time) {
	m.t.Helper()
	clock, jump := age.Start(month, kept, newest, m.wall, m.steady)
	m.clock = clock
	if jump != nil {
		m.jumps = append(m.jumps, jump.String())
	}
}

// runs lets time pass, and looks at the clocks every ten seconds.
func (m *machine) runs(d time.Duration) {
	m.t.Helper()
	for ; d > 0; d -= 10 * time.Second {
		m.wall, m.steady = m.wall.Add(10*time.Second), m.steady+10*time.Second
		jump, resumed := m.clock.Look(m.wall, m.steady)
		if jump != nil {
			m.jumps = append(m.jumps, jump.String())
		}
		if resumed {
			m.back++
		}
	}
}

// restarts ends the node and starts it after a time, as its file tells.
func (m *machine) restarts(off time.Duration) {
	m.t.Helper()
	raw, err := json.Marshal(m.clock.State())
	if err != nil {
		m.t.Fatal(err)
	}
	var kept age.State
	if err := json.Unmarshal(raw, &kept); err != nil {
		m.t.Fatal(err)
	}
	m.wall, m.steady = m.wall.Add(off), 0
	m.start(kept, time.Time{})
}

func (m *machine) want(allowed, jumps int) {
	m.t.Helper()
	if got := m.clock.Allowed("log", 100); got != allowed || len(m.jumps) != jumps {
		m.t.Errorf("%d files may be dropped, want %d; jumps: %d, want %d: %q", got, allowed, len(m.jumps), jumps, m.jumps)
	}
}

func TestAClockThatRunsOnIsBelieved(t *testing.T) {
	m := started(t)
	m.runs(2 * day)
	m.want(10, 0)
}

func TestAClockThatJumpsIsNotBelievedUntilItHasHeldForADay(t *testing.T) {
	for _, by := range []time.Duration{365 * day, 2 * time.Minute, -2 * time.Minute, -20 * 365 * day} {
		m := started(t)
		m.wall = m.wall.Add(by)
		m.runs(10 * time.Second)
		m.want(0, 1)
		m.runs(day - time.Minute)
		m.want(0, 1)
		m.runs(time.Minute)
		m.want(10, 1)
		if m.back != 1 {
			t.Errorf("it became believed %d times", m.back)
		}
	}
}

func TestAClockThatIsWrongForSecondsIsNotBelievedForADay(t *testing.T) {
	m := started(t)
	m.wall = m.wall.Add(400 * day)
	m.runs(10 * time.Second)
	m.wall = m.wall.Add(-400 * day)
	m.runs(10 * time.Second)
	m.want(0, 2)
	m.runs(day)
	m.want(10, 2)
}

func TestManySmallStepsAreAJump(t *testing.T) {
	m := started(t)
	for range 10 {
		m.wall = m.wall.Add(20 * time.Second)
		m.runs(10 * time.Second)
	}
	if len(m.jumps) == 0 {
		t.Error("200 s in steps of 20 s were not noticed")
	}
}

func TestARestartDoesNotMakeAClockBelieved(t *testing.T) {
	m := started(t)
	m.wall = m.wall.Add(400 * day)
	m.runs(time.Minute)
	for range 5 {
		m.restarts(time.Minute)
		m.want(0, 1)
		m.runs(time.Hour)
	}
	m.runs(19 * time.Hour)
	m.want(10, 1)
}

func TestAStartComparesWithTheLastRunAndTheNewestRecord(t *testing.T) {
	cases := map[string]struct {
		kept   age.State
		newest time.Time
		jump   string // "": none
	}{
		"new node":                       {},
		"off for an hour":                {kept: age.State{Wall: noon().Add(-time.Hour)}},
		"off for two months":             {kept: age.State{Wall: noon().Add(-2 * month)}, jump: "which is 60 days after this node's newest record"},
		"set back meanwhile":             {kept: age.State{Wall: noon().Add(time.Hour)}, jump: "which is 1h0m0s before this node's newest record"},
		"records of an earlier version":  {newest: noon().Add(-time.Hour)},
		"old records of an earlier time": {newest: noon().Add(-40 * day), jump: "which is 40 days after"},
		"a newest record of the future":  {newest: noon().Add(40 * day), jump: "which is 40 days before"},
		"a quiet node":                   {kept: age.State{Wall: noon().Add(-time.Minute)}, newest: noon().Add(-20 * day)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := &machine{t: t, wall: noon()}
			m.start(c.kept, c.newest)
			if c.jump == "" {
				m.want(10, 0)
				return
			}
			m.want(0, 1)
			if !strings.Contains(m.jumps[0], c.jump) {
				t.Errorf("it says %q, want %q in it", m.jumps[0], c.jump)
			}
		})
	}
}

func TestAtMostATenthOfTheFilesAnHour(t *testing.T) {
	m := started(t)
	files := 100
	drop := func() (n int) {
		n = m.clock.Allowed("log", files)
		m.clock.Dropped("log", n)
		files -= n
		return n
	}
	if n := drop(); n != 10 {
		t.Errorf("%d at first", n)
	}
	m.runs(59 * time.Minute)
	m.restarts(30 * time.Second)
	if n := drop(); n != 0 {
		t.Errorf("%d more within the hour", n)
	}
	if n := m.clock.Allowed("failure", 5); n != 1 {
		t.Errorf("%d of another chain", n)
	}
	m.runs(time.Minute)
	if n := drop(); n != 9 {
		t.Errorf("%d in the next hour", n)
	}
}

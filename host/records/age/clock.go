package age

import (
	"fmt"
	"time"
)

const (
	// Hold is how long a clock has to run on after a jump before it is believed.
	Hold = 24 * time.Hour
	// step is how far the wall clock may get away from the steady one without having jumped.
	step = time.Minute
	// leastOff and mostOff bound for how long a node may have been off without its clock
	// being suspected.
	leastOff = 15 * time.Minute
	mostOff  = 24 * time.Hour
)

// Clock judges a wall clock by a steady one, which nobody sets. It belongs to one goroutine.
type Clock struct {
	keep time.Duration // KeepAge

	wall   time.Time     // where the wall clock was when it was last compared or jumped
	steady time.Duration // where the steady clock was then
	last   time.Duration // where the steady clock was at the last Look

	suspended bool
	held      time.Duration // for how long the wall clock has run on since it jumped
	windows   map[string]*window
}

// State is what outlives the process.
type State struct {
	Wall      time.Time           `json:"wall"` // when it was kept
	Suspended bool                `json:"suspended,omitempty"`
	Held      Duration            `json:"held,omitzero"`
	Windows   map[string]Dropping `json:"dropped_for_age,omitempty"` // by chain
}

// Jump is a wall clock that is not where it should be.
type Jump struct {
	From, To time.Time
	// Start means that it was found when the node started, where it may have been off.
	Start bool
}

// String describes the jump and what follows from it.
func (j Jump) String() string {
	by, way := j.To.Sub(j.From), "ahead"
	if by < 0 {
		by, way = -by, "back"
	}
	what := fmt.Sprintf("the wall clock was set %s by %s, from %s to %s", way, rounded(by), stamp(j.From), stamp(j.To))
	switch {
	case j.Start && way == "back":
		what = fmt.Sprintf("the wall clock says %s, which is %s before this node's newest record or its last run (%s)", stamp(j.To), rounded(by), stamp(j.From))
	case j.Start:
		what = fmt.Sprintf("the wall clock says %s, which is %s after this node's newest record or its last run (%s): the node was off for so long, or the clock is wrong",
			stamp(j.To), rounded(by), stamp(j.From))
	}
	return what + "; until the clock has run on for a day no log, failure and action records are dropped for their age (records.keep_size still holds). " +
		"If the time is wrong, set it right"
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func rounded(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= time.Minute:
		return d.Round(time.Minute).String()
	}
	return d.Round(time.Second).String()
}

// Start returns the clock of a node that starts, with the state that the last run kept; the
// zero State if there is none. newest is the time of its newest record, zero for none. The
// jump is nil if the wall clock is about where it should be.
func Start(keep time.Duration, kept State, newest, wall time.Time, steady time.Duration) (*Clock, *Jump) {
	c := &Clock{
		keep: keep, wall: wall.Round(0), steady: steady, last: steady,
		suspended: kept.Suspended, held: time.Duration(kept.Held), windows: map[string]*window{},
	}
	for chain, w := range kept.Windows {
		c.windows[chain] = &window{files: w.Files, ends: steady + time.Duration(w.Left)}
	}
	before := kept.Wall
	if before.IsZero() {
		before = newest
	}
	if before.IsZero() { // there is nothing to drop
		return c, nil
	}
	off := c.wall.Sub(before)
	if off > min(mostOff, max(leastOff, keep/10)) || off < -step {
		c.suspend()
		return c, &Jump{From: before, To: c.wall, Start: true}
	}
	return c, nil
}

func (c *Clock) suspend() { c.suspended, c.held = true, 0 }

// Look compares the clocks. The jump is not nil if the wall clock jumped since the last
// Look; resumed means that it has just become believed.
func (c *Clock) Look(wall time.Time, steady time.Duration) (jump *Jump, resumed bool) {
	wall = wall.Round(0)
	due := c.wall.Add(steady - c.steady)
	if off := wall.Sub(due); off > step || off < -step {
		c.suspend()
		c.wall, c.steady, c.last = wall, steady, steady
		return &Jump{From: due, To: wall}, false
	}
	c.held += steady - c.last
	c.last = steady
	if c.suspended && c.held >= Hold {
		c.suspended = false
		return nil, true
	}
	return nil, false
}

// Suspended reports whether the wall clock is not believed.
func (c *Clock) Suspended() bool { return c.suspended }

// State returns what the next run has to know.
func (c *Clock) State() State {
	s := State{Wall: c.wall.Add(c.last - c.steady), Suspended: c.suspended, Windows: map[string]Dropping{}}
	if c.suspended {
		s.Held = Duration(c.held)
	}
	for chain, w := range c.windows {
		if left := w.ends - c.last; left > 0 {
			s.Windows[chain] = Dropping{Files: w.files, Left: Duration(left)}
		}
	}
	return s
}

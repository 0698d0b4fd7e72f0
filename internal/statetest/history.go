package statetest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
)

// This is the node whose history is drawn.
const This mesh.NodeID = 100

// Step is one step of a history, some time after the one before: an input, the outcome of an
// action that was handed out, or a tick.
type Step struct {
	After time.Duration
	In    mesh.Input // nil for an outcome or a tick

	Outcome *Outcome

	Early bool // of a tick
	Room  int  // for so many actions
}

// Outcome is the outcome of one of the actions that were handed out last.
type Outcome struct {
	Back  int // how many were handed out after it
	OK    bool
	Final bool
	Gone  bool // it was not wanted any more
}

// String returns a step in a line, for tests that fail.
func (s Step) String() string {
	switch {
	case s.Outcome != nil:
		return fmt.Sprintf("after %s: outcome %+v", s.After, *s.Outcome)
	case s.In != nil:
		return fmt.Sprintf("after %s: %T %+v", s.After, s.In, s.In)
	}
	return fmt.Sprintf("after %s: tick, early %t, room for %d", s.After, s.Early, s.Room)
}

// Input returns the input of a step, of which the actions were handed out before, oldest first;
// nil for a tick.
func (s Step) Input(emitted []mesh.Emitted) mesh.Input {
	o := s.Outcome
	if o == nil {
		return s.In
	}
	out := mesh.Outcome{ID: 1, OK: o.OK, Final: o.Final}
	if n := len(emitted); n > 0 {
		out.ID = emitted[max(0, n-1-o.Back)].ID
	}
	if o.Gone && !o.OK {
		out.Reason = mesh.ReasonNotWanted
	}
	return out
}

// Start is when a history begins. It is not 0, so that an instant that is not set is noticed.
func Start() mesh.Stamp { return At(0) }

// At returns the stamp of an instant some time after the start.
func At(d time.Duration) mesh.Stamp {
	return mesh.Stamp{At: mesh.Time(time.Hour + d), Wall: time.Unix(1_700_000_000, 0).Add(time.Hour + d)}
}

// History draws a history of a node: whatever a state folds, in any order, with ticks between.
func History(t *rapid.T) []Step {
	d := drawer{t}
	steps := []Step{{In: d.reload()}}
	for range d.number("length", 1, 150) {
		s := Step{After: d.gap()}
		switch k := d.number("what", 0, 9); {
		case k < 4:
			s.Early = k == 0
			s.Room = rapid.SampledFrom([]int{0, 1, 2, 3, 100, 100, 100}).Draw(t, "room")
		case k == 4:
			s.Outcome = &Outcome{
				Back: d.number("back", 0, 4), OK: d.yes(), Final: d.number("final", 0, 5) > 0, Gone: d.number("gone", 0, 9) == 0,
			}
		default:
			s.In = d.input()
		}
		steps = append(steps, s)
	}
	return steps
}

// drawer draws the parts of a history.
type drawer struct{ t *rapid.T }

func (d drawer) number(name string, least, most int) int {
	return rapid.IntRange(least, most).Draw(d.t, name)
}

func (d drawer) yes() bool { return rapid.Bool().Draw(d.t, "yes") }

// gap draws a time: often none or a tick, at times longer than everything that ends by itself.
func (d drawer) gap() time.Duration {
	longest := rapid.SampledFrom([]time.Duration{
		0, 0, time.Second, time.Second, 10 * time.Second, 40 * time.Second, 2 * time.Minute, 12 * time.Minute,
	}).Draw(d.t, "about")
	if longest == 0 {
		return 0
	}
	return time.Duration(rapid.Int64Range(0, int64(longest)).Draw(d.t, "gap"))
}

func (d drawer) span() time.Duration {
	return time.Duration(rapid.Int64Range(int64(time.Second), int64(15*time.Minute)).Draw(d.t, "span"))
}

func (d drawer) chain() mesh.ChainID { return mesh.ChainID(d.number("chain", 1, 6)) }

func (d drawer) node() mesh.NodeID {
	return rapid.SampledFrom([]mesh.NodeID{1, 2, 3, 4, 5, This, This}).Draw(d.t, "node")
}

func (d drawer) peer() mesh.NodeID { return mesh.NodeID(d.number("peer", 1, 5)) }

func (d drawer) daemonID() mesh.DaemonID { return mesh.DaemonID(d.number("daemon", 1, 6)) }

func (d drawer) daemon() mesh.DaemonRef {
	return mesh.DaemonRef{ID: d.daemonID(), Name: rapid.SampledFrom([]string{"", "", "a", "b"}).Draw(d.t, "name")}
}

func (d drawer) input() mesh.Input {
	switch k := d.number("kind", 0, 22); {
	case k < 6:
		return mesh.Heard{Event: d.chainEvent()}
	case k < 10:
		return mesh.Heard{Event: d.daemonEvent()}
	case k < 12:
		return mesh.Heard{Event: d.peerEvent()}
	case k < 14:
		return d.samples()
	case k < 18:
		return mesh.Heard{Event: mesh.AdminReceived{Event: d.command()}, Ordered: d.place()}
	case k == 18:
		return d.scores()
	case k < 22:
		return d.announced()
	default:
		return d.reload()
	}
}

package loop

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// notes is a recorder that keeps what it receives as text.
type notes struct {
	list[string]
	panics bool
}

func (n *notes) Input(at mesh.Stamp, in mesh.Input) {
	n.add(fmt.Sprintf("%v %T", time.Duration(at.At), in))
	if n.panics {
		panic("out of paper")
	}
}

func (n *notes) Tick(at mesh.Stamp, free int, early bool) {
	kind := "tick"
	if early {
		kind = "early tick"
	}
	n.add(fmt.Sprintf("%v %s %d", time.Duration(at.At), kind, free))
}

func withRecorder(r Recorder) option { return func(s *setup) { s.hooks.Recorder = r } }

func withActionQueue(n int) option { return withConfig(func(c *Config) { c.ActionQueue = n }) }

func TestARecorderReceivesAllThatIsFoldedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notes{}
		var folded list[string]
		r := start(t, withRecorder(n), withActionQueue(5), withJournal(func(at mesh.Stamp, in mesh.Input) {
			folded.add(fmt.Sprintf("%v %T", time.Duration(at.At), in))
		}))
		r.Probes().AddLocality(rtts("near", mesh.RTTSample{Peer: 2, RTT: 1}))
		r.publish(mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 3}, Intent: mesh.IntentRun}, mesh.AdminReceived{Event: mesh.KillMigration{Migration: 4}})
		r.ticks(1)
		r.publish(mesh.Shutdown{})
		if err := r.mustEnd(interval); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"0s mesh.Heard", "0s mesh.Heard", "100ms mesh.Samples", "100ms tick 5",
		}
		if got := n.all(); !slices.Equal(got, want) {
			t.Errorf("recorded %q, want %q", got, want)
		}
		inputs := slices.DeleteFunc(n.all(), func(s string) bool { return s == "100ms tick 5" })
		if got := folded.all(); !slices.Equal(got, inputs) {
			t.Errorf("folded %q, recorded %q", got, inputs)
		}
	})
}

func TestARecorderReceivesTheFreePlacesOfTheActionQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notes{}
		r := start(t, withRecorder(n), withActionQueue(5))
		r.publish(mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 3}, Intent: mesh.IntentRun})
		r.ticks(2)
		if got, want := n.all(), []string{"0s mesh.Heard", "100ms tick 5", "200ms tick 4"}; !slices.Equal(got, want) {
			t.Errorf("recorded %q, want %q", got, want)
		}
	})
}

func TestARecorderThatPanicsIsNotCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notes{panics: true}
		r := start(t, withRecorder(n))
		r.publish(holder(1, 2), holder(1, 3))
		snap := r.ticks(2)
		if got := failures(snap, "hook:recorder"); len(got) != 1 {
			t.Errorf("failures %q", got)
		}
		if got := n.all(); len(got) != 1 {
			t.Errorf("received %q", got)
		}
		if got := holds(snap, 1); !slices.Equal(got, []mesh.NodeID{2, 3}) {
			t.Errorf("holders %v: the events were not folded", got)
		}
		r.mustRun()
	})
}

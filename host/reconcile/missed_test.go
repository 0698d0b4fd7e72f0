package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

// afterAMissedMark folds events whose marks get lost, and ticks until the slices have been
// through everything. It returns what was handed out, and how many marks were found missing.
func afterAMissedMark(t *testing.T, lose marks.Reader, before, after []mesh.Event) (s *state.State, actions []mesh.Emitted, missed int) {
	policy := statetest.Policy()
	policy.TickInterval = time.Second
	s = state.New(state.Boot{At: stamp(sec(0)), Node: this, Policy: policy})
	passes := reconcile.New(s)
	hear := func(evs []mesh.Event) {
		for _, ev := range evs {
			s.Apply(stamp(s.Now()), mesh.Heard{Event: ev})
		}
	}
	hear(before)
	if res := passes.Pass(stamp(sec(0)), 100); len(res.Actions) > 0 {
		t.Fatalf("handed out %s before anything was lost", show(res.Actions))
	}
	hear(after)
	s.Taken(lose)
	ticks := policy.Slices()
	if within := time.Duration(ticks) * policy.TickInterval; within > 10*time.Minute {
		t.Fatalf("the slices take %s", within)
	}
	for i := range ticks {
		res := passes.Pass(stamp(sec(float64(i+1)/1000)), 100)
		actions, missed = append(actions, res.Actions...), missed+res.Missed
	}
	return s, actions, missed
}

var held = []mesh.Event{
	mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: this},
	mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 3},
	mesh.ReplicaLeader{Chain: 7, Leader: this},
	mesh.PlacementIntent{Chain: 7, Desired: 2},
	mesh.HealthSample{Peer: 3, Health: mesh.HealthHealthy},
	mesh.DaemonIntent{Daemon: ref(5), Intent: run},
	mesh.DaemonStarted{Daemon: ref(5)},
	mesh.DaemonIntent{Daemon: ref(5), Intent: mesh.IntentRun},
}

func TestASliceFindsAMarkThatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		lose        marks.Reader
		after       mesh.Event
		want        string
		subject     string
		stood, does string
	}{
		"of a chain": {
			marks.Reconcile,
			mesh.ReplicaUpdate{Change: mesh.ReplicaLost, Chain: 7, Holder: 3},
			"place 7 not on 100", "chain 7", "nothing", "request_placement",
		},
		"of a daemon": {
			marks.Reconcile,
			mesh.DaemonIntent{Daemon: ref(5), Intent: stop},
			"stop 5 at", "daemon 5", "nothing", "stop_daemon",
		},
		"of what a peer counts as": {
			marks.Tick,
			mesh.AdminReceived{Event: mesh.Drain{Node: 3}},
			"place 7 not on 3,100", "peer 3", "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, actions, missed := afterAMissedMark(t, c.lose, held, []mesh.Event{c.after})
			if got := show(actions); !strings.HasPrefix(got, c.want) || missed != 1 {
				t.Errorf("%d marks were missing, and handed out was %q, want one and %q", missed, got, c.want)
			}
			var record mesh.FailureRecord
			for _, f := range s.Failures() {
				record = f
			}
			if record.Source != "missed-mark:"+c.subject || !strings.Contains(record.Reason, c.stood) || !strings.Contains(record.Reason, c.does) {
				t.Errorf("the failure record is %+v", record)
			}
		})
	}
}

// Every slice begins where the one before ended, whatever comes and goes meanwhile.
func TestSlicesLeaveNothingOut(t *testing.T) {
	policy := statetest.Policy()
	policy.TickInterval = 2 * time.Second
	s := state.New(state.Boot{At: stamp(sec(0)), Node: this, Policy: policy})
	chains := func(from, to mesh.ChainID, change mesh.ReplicaChange) {
		for id := from; id <= to; id++ {
			s.Apply(stamp(sec(0)), mesh.Heard{Event: mesh.ReplicaUpdate{Change: change, Chain: id, Holder: 1}})
		}
	}
	chains(1000, 5000, mesh.ReplicaAdded)
	passes := reconcile.New(s)
	seen := map[mesh.ChainID]bool{}
	round := func(meanwhile func(i mesh.ChainID)) {
		clear(seen)
		for i := range mesh.ChainID(policy.Slices()) {
			passes.Pass(stamp(sec(0)), 0)
			if n := len(s.Slice().Chains); n > 40 {
				t.Fatalf("a slice of %d chains", n)
			}
			for _, id := range s.Slice().Chains {
				seen[id] = true
			}
			passes.EarlyPass(stamp(sec(0)), 0)
			if len(s.Slice().Chains) > 0 {
				t.Fatal("an early tick has a slice")
			}
			meanwhile(i)
		}
	}
	for s.Passes()%(2*policy.Slices()) != 2*policy.Slices()-2 { // up to the beginning of a round
		passes.Pass(stamp(sec(0)), 0)
		passes.EarlyPass(stamp(sec(0)), 0)
	}
	round(func(mesh.ChainID) {})
	if len(seen) != 4001 {
		t.Errorf("saw %d of 4001 chains", len(seen))
	}
	round(func(i mesh.ChainID) { // some come in front, and some go there
		chains(1+3*i, 3+3*i, mesh.ReplicaAdded)
		chains(1000+2*i, 1001+2*i, mesh.ReplicaRemoved)
	})
	for id := mesh.ChainID(2000); id <= 5000; id++ {
		if !seen[id] {
			t.Fatalf("chain %d was left out", id)
		}
	}
}

// A tick may come later than what is due after the one before, as on a machine that slept.
func TestWhatIsDueIsDecidedByALateTick(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) {
		b.Desired.Daemons = []mesh.ConfiguredDaemon{
			{Daemon: ref(1), Run: true}, {Daemon: ref(2), Run: true, After: []mesh.DaemonID{1}},
		}
	})
	passes := reconcile.New(w.s)
	pass := func(n float64) string { return show(passes.Pass(stamp(sec(n)), 100).Actions) }
	w.hear(started(1), started(2))
	if got := pass(0); got != "" {
		t.Fatalf("handed out %q", got)
	}
	w.hear(intent(1, stop), intent(2, stop))
	if got := pass(1); got != "stop 2 at 31s: desired intent is stop" {
		t.Fatalf("handed out %q", got)
	}
	if got := pass(40); got != "stop 1 at 1m10s: desired intent is stop" {
		t.Errorf("handed out %q, want the stop of the daemon that waited for one that does not end", got)
	}
}

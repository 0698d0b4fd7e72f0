package loop

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
)

// handedOut takes what is in the action queue.
func (r *rig) handedOut() (out []mesh.Action) {
	for {
		select {
		case e, open := <-r.Actions():
			if !open {
				return out
			}
			out = append(out, e.Action)
		default:
			return out
		}
	}
}

// The whole way: an event is published, and the action comes out of the queue.
func TestFromTheEventToTheAction(t *testing.T) {
	for name, c := range map[string]struct {
		evs  []mesh.Event
		want []mesh.Action
	}{
		"PIP01 a daemon nobody heard of, wanted": {
			[]mesh.Event{mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 3}, Intent: mesh.IntentRun}},
			[]mesh.Action{mesh.StartDaemon{Daemon: mesh.DaemonRef{ID: 3}}},
		},
		"PIP03 a chain that another node holds, wanted here": {
			[]mesh.Event{holder(9, 7), mesh.LocalReplicaIntent{Chain: 9, Intent: mesh.HoldKeep}},
			[]mesh.Action{mesh.PullReplica{Chain: 9, Source: 7}},
		},
		"PIP04 an operator drops a chain here": {
			[]mesh.Event{
				holder(9, this), holder(9, 7),
				mesh.AdminReceived{Event: mesh.DropReplicas{Node: this, Chains: []mesh.ChainID{9}}},
			},
			[]mesh.Action{mesh.DropReplica{Chain: 9}},
		},
		"RUN06 an idle node enters maintenance": {
			[]mesh.Event{mesh.AdminReceived{Event: mesh.EnterMaintenance{Node: this}}},
			[]mesh.Action{mesh.CommitTransition{Node: this, Target: mesh.PhaseMaintenance}},
		},
		"RUN08 within two seconds of real ticks": {
			[]mesh.Event{mesh.AdminReceived{Event: mesh.EnterMaintenance{Node: this, DrainFor: ptr(time.Minute)}}},
			[]mesh.Action{mesh.CommitTransition{Node: this, Target: mesh.PhaseMaintenance}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, withConfig(func(c *Config) { c.TickInterval = 0 })) // the default
				r.publish(c.evs...)
				pass(2*time.Second - 1)
				if diff := cmp.Diff(c.want, r.handedOut()); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		})
	}
}

func TestRUN05_AStartAndACleanEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.ticks(2)
		r.publish(mesh.Shutdown{})
		if err := r.mustEnd(time.Second); err != nil {
			t.Error(err)
		}
		if n := r.Reader().Latest().Tick; n < 1 {
			t.Errorf("%d passes", n)
		}
	})
}

func TestRUN03_AddedProbesAreCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.Probes().AddLocality(rtts("mine", mesh.RTTSample{Peer: 5, RTT: time.Millisecond}))
		r.run()
		s := r.ticks(1)
		if p := peer(s, 5); s.Tick != 1 || p == nil || p.RTT != time.Millisecond {
			t.Errorf("after tick %d: %+v", s.Tick, s.Peers)
		}
	})
}

func TestSDK07_ALineOfADaemonIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.publish(mesh.LogLine{Level: mesh.LevelWarn, Daemon: 3, Message: "careful"})
		logs := r.ticks(1).Logs
		if len(logs) != 1 || logs[0].Daemon != 3 || logs[0].Level != mesh.LevelWarn || logs[0].Message != "careful" {
			t.Errorf("%+v", logs)
		}
	})
}

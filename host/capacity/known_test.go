package capacity

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// intents are all orders about what should be with a daemon and a chain of this node.
func intents(d mesh.DaemonID, c mesh.ChainID) []mesh.Event {
	one := uint32(1)
	return []mesh.Event{
		mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: d}, Intent: mesh.IntentRun},
		mesh.AdminReceived{Event: mesh.SetDaemonIntent{Node: 1, Daemon: mesh.DaemonRef{ID: d}, Intent: mesh.IntentRun}},
		mesh.AdminReceived{Event: mesh.RestartDaemon{Node: 1, Daemon: mesh.DaemonRef{ID: d}}},
		mesh.AdminReceived{Event: mesh.ReloadDaemon{Node: 1, Daemon: mesh.DaemonRef{ID: d}}},
		mesh.AdminReceived{Event: mesh.SignalDaemon{Node: 1, Daemon: mesh.DaemonRef{ID: d}, Signal: "SIGHUP"}},
		mesh.PlacementIntent{Chain: c, Desired: 1},
		mesh.LocalReplicaIntent{Chain: c, Intent: mesh.HoldKeep},
		mesh.AdminReceived{Event: mesh.SetPlacement{Node: 1, Chain: c, Desired: &one}},
		mesh.AdminReceived{Event: mesh.SetLocalReplica{Node: 1, Chain: c, Intent: mesh.HoldKeep}},
	}
}

func TestAnIntentIsAboutSomethingThatExists(t *testing.T) {
	configured := mesh.Configured{
		Daemons: []mesh.ConfiguredDaemon{{Daemon: mesh.DaemonRef{ID: 1}}}, Chains: []mesh.ConfiguredChain{{ID: 1}},
	}
	r := newRig(small(), configured)
	_, _ = r.bring(api, mesh.DaemonStarted{Daemon: mesh.DaemonRef{ID: 2}}), r.bring(api, mesh.ReplicaLeader{Chain: 2, Leader: 2})
	for id := range uint64(3) {
		for _, ev := range intents(mesh.DaemonID(id+1), mesh.ChainID(id+1)) {
			refusal := r.bring(api, ev)
			if known := id < 2; known != (refusal == nil) || !known && refusal.What != Unknown {
				t.Errorf("%d, %T: %v", id+1, ev, refusal)
			}
		}
	}
	if known := r.state.Known(); len(known.Daemons) != 2 || len(known.Chains) != 2 {
		t.Errorf("remembered: %+v", known)
	}
	r.Refused(func(source, what string, n uint64) {
		t.Errorf("counted as refused for want of room: %s %s %d", source, what, n)
	})

	// What is taken out of the file is unknown once the state has forgotten it.
	r.now = r.now.Add(alignEvery)
	r.Configure(mesh.Configured{})
	r.state.Apply(r.stamp(), mesh.Reload{})
	r.state.Tick(r.stamp())
	if refusal := r.bring(api, intents(1, 1)[1]); refusal == nil {
		t.Error("a daemon that was taken out is still known")
	}
}

func TestWhatARestartBroughtBackIsKnown(t *testing.T) {
	r := newRig(small(), mesh.Configured{})
	r.state = state.New(state.Boot{Node: 1, Policy: r.state.Policy(), Orders: state.Orders{
		Chains: []state.ChainOrder{{Chain: 3, Count: &state.CountOrder{Desired: 1}}},
	}})
	if refusal := r.bring(api, mesh.PlacementIntent{Chain: 3, Desired: 2}); refusal != nil {
		t.Error(refusal)
	}
}

func TestAnOrderForAnotherNodeIsNotAboutThisOne(t *testing.T) {
	r := newRig(small(), mesh.Configured{})
	order := mesh.SetDaemonIntent{Node: 2, Daemon: mesh.DaemonRef{ID: 9}, Intent: mesh.IntentRun}
	if refusal := r.bring(api, mesh.AdminReceived{Event: order}); refusal != nil {
		t.Error(refusal)
	}
}

package capacity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

// rig is a gate before a state, with what was let in and is not folded yet.
type rig struct {
	*Gate
	state   *state.State
	now     time.Time
	queue   []mesh.Event
	reports []string
	reads   int
}

func newRig(l Limits, desired mesh.Configured) *rig {
	r := &rig{now: time.Unix(1e9, 0), state: state.New(state.Boot{Node: 1, Policy: statetest.Policy(), Desired: desired})}
	r.Gate = New(Options{
		Limits: l, Node: 1, Now: func() time.Time { return r.now },
		Read: func(_ context.Context, visit func(*state.State)) error {
			r.reads++
			visit(r.state)
			return nil
		},
		Report: func(source, reason string) { r.reports = append(r.reports, source+": "+reason) },
	})
	r.Configure(desired)
	return r
}

func small() Limits {
	return Limits{Peers: 6, Chains: 8, Daemons: 4, Blobs: 4, HoldersPerChain: 3, NameBytes: 16}
}

var (
	api  = Source{Name: "api"}
	evil = Source{Name: "event_source:evil", Plugin: "evil"}
	good = Source{Name: "event_source:good", Plugin: "good"}
)

// bring has an event judged, and folds it if it comes in.
func (r *rig) bring(from Source, ev mesh.Event) *Refusal {
	ev, refusal := r.Admit(context.Background(), from, ev)
	if refusal == nil {
		r.queue = append(r.queue, ev)
		r.fold()
	}
	return refusal
}

func (r *rig) fold() {
	for _, ev := range r.queue {
		r.state.Apply(r.stamp(), mesh.Heard{Event: ev})
	}
	r.queue = nil
}

func (r *rig) stamp() mesh.Stamp {
	return mesh.Stamp{At: mesh.Time(r.now.Sub(time.Unix(1e9, 0))), Wall: r.now}
}

func held(chain mesh.ChainID, holder mesh.NodeID) mesh.Event {
	return mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: chain, Holder: holder}
}

func TestOnePluginBringsHalf(t *testing.T) {
	r := newRig(small(), mesh.Configured{})
	for id := mesh.ChainID(1); id <= 4; id++ {
		if refusal := r.bring(evil, held(id, 2)); refusal != nil {
			t.Fatal(refusal)
		}
	}
	for range 3 {
		refusal := r.bring(evil, held(5, 2))
		if refusal == nil || refusal.What != "chains" || refusal.Message != "chain 5 is not known, and evil has brought 4 chains already, half of what chains in [capacity] allows" {
			t.Errorf("the fifth: %v", refusal)
		}
	}
	if refusal := r.bring(evil, held(4, 3)); refusal != nil {
		t.Errorf("a chain that exists: %v", refusal)
	}
	for id := mesh.ChainID(5); id <= 8; id++ {
		if refusal := r.bring(good, held(id, 2)); refusal != nil {
			t.Errorf("another plugin's: %v", refusal)
		}
	}
	refusal := r.bring(api, mesh.ReplicaLeader{Chain: 9, Leader: 2})
	if refusal == nil || refusal.Message != "chain 9 is not known, and this node remembers 8 chains already; raise chains in [capacity] if there are that many" {
		t.Errorf("the ninth: %v", refusal)
	}
	want := map[string]uint64{"event_source:evil chains": 3, "api chains": 1}
	got := make(map[string]uint64)
	r.Refused(func(source, what string, n uint64) { got[source+" "+what] = n })
	if !maps.Equal(got, want) || len(r.reports) != 2 || !strings.HasPrefix(r.reports[0], "capacity:event_source:evil: chain 5 is not known") {
		t.Errorf("refused %v, reported %q", got, r.reports)
	}
	if r.reads > 1 {
		t.Errorf("the state was read %d times within a moment", r.reads)
	}
}

func TestWhatTheStateForgotMakesRoom(t *testing.T) {
	r := newRig(small(), mesh.Configured{})
	for id := mesh.BlobID(1); id <= 4; id++ {
		_ = r.bring(api, mesh.BlobAnnouncement{Blob: id, Holder: 2, Added: true})
	}
	if r.bring(api, mesh.BlobAnnouncement{Blob: 5, Holder: 2, Added: true}) == nil {
		t.Error("the fifth comes in")
	}
	_ = r.bring(api, mesh.BlobAnnouncement{Blob: 1, Holder: 2})
	r.state.Tick(r.stamp())
	var refusal *Refusal
	for range 3 {
		r.now = r.now.Add(2 * alignEvery)
		refusal = r.bring(api, mesh.BlobAnnouncement{Blob: 5, Holder: 2, Added: true})
	}
	if refusal != nil {
		t.Errorf("with room: %v", refusal)
	}
}

func TestTheConfigurationComesFirst(t *testing.T) {
	desired := mesh.Configured{Chains: []mesh.ConfiguredChain{{ID: 100}, {ID: 101}}}
	r := newRig(small(), desired)
	for id := mesh.ChainID(1); id <= 20; id++ {
		_ = r.bring(api, held(id, 2))
		r.now = r.now.Add(alignEvery)
	}
	if refusal := r.bring(evil, held(101, 2)); refusal != nil {
		t.Errorf("a configured chain: %v", refusal)
	}
	if n := len(r.state.Known().Chains); n > 10 {
		t.Errorf("%d chains", n)
	}
}

func TestNamesAndReasonsAreBounded(t *testing.T) {
	r := newRig(small(), mesh.Configured{Daemons: []mesh.ConfiguredDaemon{{Daemon: mesh.DaemonRef{ID: 1}}}})
	long := mesh.DaemonRef{ID: 1, Name: strings.Repeat("x", 17)}
	for _, ev := range []mesh.Event{
		mesh.DaemonStarted{Daemon: long},
		mesh.DaemonIntent{Daemon: long},
		mesh.AdminReceived{Event: mesh.SetDaemonIntent{Node: 1, Daemon: long}},
		mesh.AdminReceived{Event: mesh.RestartDaemon{Node: 1, Daemon: long}},
		mesh.AdminReceived{Event: mesh.ReloadDaemon{Node: 1, Daemon: long}},
		mesh.AdminReceived{Event: mesh.SignalDaemon{Node: 1, Daemon: long, Signal: "SIGHUP"}},
		mesh.AdminReceived{Event: mesh.ForceRestartDaemon{Daemon: long}},
	} {
		if refusal := r.bring(api, ev); refusal == nil || refusal.What != "name_bytes" {
			t.Errorf("%T: %v", ev, refusal)
		}
	}
	got, refusal := r.Admit(t.Context(), api, mesh.DaemonHealthChanged{
		Daemon: mesh.DaemonRef{ID: 1}, Health: mesh.DaemonHealth{Status: mesh.DaemonUnhealthy, Reason: strings.Repeat("é", 30_000)},
	})
	if refusal != nil || len(got.(mesh.DaemonHealthChanged).Health.Reason) > reasonMax+40 {
		t.Errorf("got %v, %v", got, refusal)
	}
}

func TestCommandsAreBounded(t *testing.T) {
	r := newRig(small(), mesh.Configured{})
	for id := mesh.NodeID(2); id <= 7; id++ {
		if refusal := r.bring(api, mesh.AdminReceived{Event: mesh.Cordon{Node: id}}); refusal != nil {
			t.Fatal(refusal)
		}
	}
	for _, ev := range []mesh.AdminEvent{
		mesh.Cordon{Node: 9},
		mesh.Drain{Node: 9},
		mesh.EnterMaintenance{Node: 9},
		mesh.ExitMaintenance{Node: 9},
		mesh.DropReplicas{Node: 1, Chains: []mesh.ChainID{1, 2, 3, 4, 5, 6, 7, 8, 9}},
	} {
		if refusal := r.AdmitCommand(t.Context(), api, ev); refusal == nil {
			t.Errorf("%T comes in", ev)
		}
	}
	for _, ev := range []mesh.AdminEvent{
		mesh.Cordon{Node: 7},
		mesh.Uncordon{Node: 9},
		mesh.Cordon{Node: 1},
		mesh.FreezeCluster{TTL: 1},
		nil,
		mesh.DropReplicas{Node: 9, Chains: []mesh.ChainID{10, 11}},
	} {
		if refusal := r.AdmitCommand(t.Context(), api, ev); refusal != nil {
			t.Errorf("%T: %v", ev, refusal)
		}
	}
}

func TestAGateWhoseStateCannotBeReadRefusesWhatIsNew(t *testing.T) {
	r := newRig(small(), mesh.Configured{})
	r.options.Read = func(context.Context, func(*state.State)) error { return errors.New("the loop has ended") }
	for id := mesh.ChainID(1); id <= 9; id++ {
		if refusal := r.bring(api, held(id, 2)); (refusal != nil) != (id == 9) {
			t.Errorf("chain %d: %v", id, refusal)
		}
	}
}

// Whoever brings whatever, the state stays within the bounds, and what it has is never
// refused.
func TestP5_TheBoundsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := small()
		r := newRig(l, mesh.Configured{Chains: []mesh.ConfiguredChain{{ID: 1}}, Peers: []mesh.ConfiguredPeer{{ID: 2}}})
		sources := []Source{api, evil, good}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			from := rapid.SampledFrom(sources).Draw(t, "from")
			id := rapid.Uint64Range(1, 24).Draw(t, "id")
			node := mesh.NodeID(rapid.Uint64Range(2, 24).Draw(t, "node"))
			ev := rapid.SampledFrom([]mesh.Event{
				held(mesh.ChainID(id), node), held(mesh.ChainID(id%3+1), node),
				mesh.ReplicaUpdate{Change: mesh.ReplicaLost, Chain: mesh.ChainID(id), Holder: node},
				mesh.ReplicaLeader{Chain: mesh.ChainID(id), Leader: node},
				mesh.ReplicaTransition{Kind: mesh.BecameHolderAndLeader, Chain: mesh.ChainID(id), Holder: node},
				mesh.PlacementIntent{Chain: mesh.ChainID(id), Desired: uint32(id % 2)},
				mesh.LocalReplicaIntent{Chain: mesh.ChainID(id), Intent: mesh.HoldKeep},
				mesh.BlobAnnouncement{Blob: mesh.BlobID(id), Holder: node, Added: true},
				mesh.BlobAnnouncement{Blob: mesh.BlobID(id), Holder: node},
				mesh.RTTSample{Peer: node, RTT: time.Second},
				mesh.HealthSample{Peer: node, Health: mesh.HealthHealthy},
				mesh.MaintenanceObserved{Node: node, Phase: mesh.PhaseActive},
				mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: mesh.DaemonID(id)}, Intent: mesh.IntentRun},
				mesh.DaemonExited{Daemon: mesh.DaemonRef{ID: mesh.DaemonID(id)}},
				mesh.AdminReceived{Event: mesh.Cordon{Node: node}},
				mesh.AdminReceived{Event: mesh.Uncordon{Node: node}},
				mesh.AdminReceived{Event: mesh.DropReplicas{Node: 1, Chains: []mesh.ChainID{mesh.ChainID(id), mesh.ChainID(id + 1)}}},
			}).Draw(t, "event")
			exists := r.has(ev)
			if refusal := r.bring(from, ev); refusal != nil && exists {
				t.Fatalf("%#v of what exists is refused: %v", ev, refusal)
			}
			if rapid.IntRange(0, 4).Draw(t, "tick") == 0 {
				r.state.Tick(r.stamp())
			}
			r.now = r.now.Add(time.Duration(rapid.IntRange(0, 1500).Draw(t, "ms")) * time.Millisecond)
			r.check(t)
		}
	})
}

// has reports whether the state has all that an event needs.
func (r *rig) has(ev mesh.Event) bool {
	known, n := r.state.Known(), needOf(ev)
	if command, is := ev.(mesh.AdminReceived); is && len(chainsOf(command.Event, 1)) > 0 {
		return false
	}
	switch n.kind {
	case peers:
		_, ok := r.state.Peer(mesh.NodeID(n.id))
		return ok
	case chains:
		_, holds := r.state.ChainHolders(mesh.ChainID(n.id), n.holder)
		_, ok := r.state.Chain(mesh.ChainID(n.id))
		return ok && (holds || n.holder == 0)
	case daemons:
		_, ok := r.state.Daemon(mesh.DaemonID(n.id))
		return ok
	case blobs:
		for _, b := range known.Blobs {
			if uint64(b.ID) == n.id {
				_, holds := r.state.BlobHolders(b.ID, n.holder)
				return holds
			}
		}
		return false
	}
	return true
}

func (r *rig) check(t *rapid.T) {
	l, known := r.options.Limits, r.state.Known()
	for what, n := range map[string][2]int{
		"peers": {len(known.Peers), l.Peers + 2}, "chains": {len(known.Chains), l.Chains + 1},
		"daemons": {len(known.Daemons), l.Daemons}, "blobs": {len(known.Blobs), l.Blobs},
	} {
		if n[0] > n[1] {
			t.Fatalf("%d %s, at most %d", n[0], what, n[1])
		}
	}
	for _, c := range known.Chains {
		if c.Holders > l.HoldersPerChain {
			t.Fatal(fmt.Sprint(c))
		}
	}
	for _, b := range known.Blobs {
		if b.Holders > l.HoldersPerChain {
			t.Fatal(fmt.Sprint(b))
		}
	}
}

func BenchmarkAdmit(b *testing.B) {
	r := newRig(Limits{Chains: 200_000, HoldersPerChain: 64, NameBytes: 256}, mesh.Configured{})
	for n := 0; b.Loop(); n++ {
		if _, refusal := r.Admit(b.Context(), api, held(mesh.ChainID(n%100_000+1), 2)); refusal != nil && n < 100_000 {
			b.Fatal(refusal)
		}
	}
}

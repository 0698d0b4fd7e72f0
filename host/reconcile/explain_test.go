package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
)

// says compares an explanation with its expected lines: "arm: text".
func says(t *testing.T, e reconcile.Explanation, want ...string) {
	t.Helper()
	var got []string
	for _, f := range e.Findings {
		got = append(got, f.Arm+": "+f.Text)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n%s\nwant:\n%s", e.Subject, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestExplainDaemon(t *testing.T) {
	w := newWorld(t).hear(intent(1, run), started(1))
	w.to(10).hear(crashed(1))
	says(t, reconcile.ExplainDaemon(w.s, 1),
		"daemons: it should run here",
		"daemons: it has been stopped for 0s",
		"daemons: its restart gate is closed (backing off after a crash) for another 500ms",
		"actions: apply_backoff is wanted and is handed out by the next pass")
	w.expect(10, "backoff 1 to 10.5s")
	w.expect(10.5, "start 1")
	w.to(12).hear(mesh.LogLine{})
	says(t, reconcile.ExplainDaemon(w.s, 1),
		"daemons: it should run here",
		"daemons: it has been starting for 1.5s",
		"actions: start_daemon was handed out 1.5s ago as action 2 and has not ended")
	w.s.Apply(stamp(sec(12)), mesh.Outcome{ID: 2, Reason: "no such file", Final: true})
	says(t, reconcile.ExplainDaemon(w.s, 1),
		"daemons: it should run here",
		"daemons: it has been stopped for 2s",
		"actions: start_daemon is wanted; action 2 failed (no such file), and it is handed out again in 1s")
	w.hear(intent(1, run, 5))
	says(t, reconcile.ExplainDaemon(w.s, 1),
		"daemons: it should not run here: desired intent is to run on node 5 only",
		"daemons: it has been stopped for 2s")
	says(t, reconcile.ExplainDaemon(w.s, 77), "state: this node has never heard of daemon 77")
}

func TestExplainChain(t *testing.T) {
	w := newWorld(t).chain(7, 3, 1, 2).hear(hold(7, mesh.HoldKeep))
	says(t, reconcile.ExplainChain(w.s, 7),
		"state: held by node 1, node 2; live: node 1, node 2",
		"local replicas: this node should hold it and pulls it from node 1",
		"replica count: 2 of 3 wanted holders are live and stay (node 1, node 2), so a placement is asked for",
		"rebalance: there is no recent table of scores",
		"actions: pull_replica is wanted and is handed out by the next pass",
		"actions: request_placement is wanted and is handed out by the next pass")
	w.admin(mesh.FreezeCluster{TTL: time.Minute}, mesh.ForceEvictReplica{Chain: 7, Victim: 1})
	w.hear(leader(7, 5))
	says(t, reconcile.ExplainChain(w.s, 7),
		"freeze: acting is frozen for another 1m0s, so no arm wants anything",
		"state: held by node 1, node 2; live: node 1, node 2",
		"forced orders: a forced eviction from node 1 waits and will be given up in 5m0s",
		"local replicas: this node should hold it and pulls it from node 1",
		"replica count: node 5 leads it and decides about placements and evictions")

	w = placed(t).scores(&score{9, 0.9}, disruption(time.Minute), score{1, 0.3}, score{2, 0.8})
	says(t, reconcile.ExplainChain(w.s, 7),
		"state: held by node 1, node 2; live: node 1, node 2",
		"local replicas: this node does not hold it, and nothing says that it should",
		"replica count: 2 live holders, 2 wanted: nothing to do",
		"rebalance: moving from node 1 to node 9 gains 0.60 and costs 6.00")
	w.scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.8})
	w.succeed(w.pass(1)...)
	says(t, reconcile.ExplainChain(w.s, 7),
		"state: held by node 1, node 2; live: node 1, node 2",
		"local replicas: this node does not hold it, and nothing says that it should",
		"replica count: 2 live holders, 2 wanted: nothing to do",
		"rebalance: it is being moved from node 1 to node 9; waiting until node 9 holds it",
		"actions: request_placement was done 0s ago as action 1; it is not handed out again for another 5s")
}

// An explanation names what keeps a move back, and since when.
func TestExplainWhyAChainIsNotMoved(t *testing.T) {
	bad := []score{{1, 0.3}, {2, 0.8}}
	rebalance := func(w *world) string {
		for _, f := range reconcile.ExplainChain(w.s, 7).Findings {
			if f.Arm == "rebalance" {
				return f.Text
			}
		}
		return ""
	}
	evicted := placed(t).admin(mesh.ForceEvictReplica{Chain: 7, Victim: 77})
	evicted.expect(1, "evict 7 from 77")
	evicted.to(11).hear(mesh.LogLine{})
	for _, c := range []struct {
		want string
		w    *world
	}{
		{"moving from node 1 to node 9 gains 0.60 and costs 0.00: worth it", placed(t).scores(&score{9, 0.9}, nil, bad...)},
		{"node 1 scores 0.30, but node 2, the alternative, holds it already", placed(t).scores(&score{2, 0.9}, nil, bad...)},
		{"node 1 scores 0.30, but node 9 may not be given replicas now", placed(t).scores(&score{9, 0.9}, nil, bad...).admin(mesh.Cordon{Node: 9})},
		{"it is not moved until 3 live nodes hold it", placed(t).scores(&score{9, 0.9}, nil, bad...).hear(desired(7, 3))},
		{"this node begins moves only while it is Active", placed(t).scores(&score{9, 0.9}, nil, bad...).admin(mesh.EnterMaintenance{Node: this})},
		{"it was moved 10s ago; it is not moved again for another 4m50s", evicted},
	} {
		if got := rebalance(c.w); got != c.want {
			t.Errorf("%q\nwant %q", got, c.want)
		}
	}
}

func TestExplainPeerThatNobodyMeasured(t *testing.T) {
	w := newWorld(t).chain(7, 1, 9)
	says(t, reconcile.ExplainPeer(w.s, 9),
		"locality: its round-trip time is not known",
		"placing: it counts as a live holder of what it holds",
		"placing: it may be given replicas")
	w.admin(mesh.Cordon{Node: this})
	says(t, reconcile.ExplainPeer(w.s, this),
		"locality: it is this node, which has no round-trip time to itself",
		"placing: it counts as a live holder of what it holds",
		"placing: it is not given replicas: it is this node, it is cordoned",
		"maintenance: in phase active")
	for _, e := range []reconcile.Explanation{
		reconcile.ExplainPeer(w.s, 77), reconcile.ExplainChain(w.s, 77), reconcile.ExplainDaemon(w.s, 77),
	} {
		if !e.Unknown || len(e.Findings) != 1 {
			t.Errorf("%+v", e)
		}
	}
}

func TestExplainPeerThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t).to(1)
	w.hear(mesh.HealthSample{Peer: 5, Health: mesh.HealthUnreachable, Reason: "refused: nobody listens"})
	w.s.Apply(mesh.Stamp{At: w.s.Now()}, mesh.Samples{Probe: "icmp", RTT: []mesh.RTTSample{
		{Peer: 5, Echoes: mesh.Echoes{Sent: 20, Received: 17, Jitter: 1234567, Reason: "timed out"}},
	}})
	w.to(13).hear(mesh.LogLine{})
	says(t, reconcile.ExplainPeer(w.s, 5),
		"health: it has been unreachable for 12s: refused: nobody listens",
		"locality: its round-trip time is not known: timed out",
		"locality: 17 of its last 20 echoes were answered, with a jitter of 1.235ms",
		"placing: it counts as a live holder of what it holds",
		"placing: it is not given replicas: it is unreachable")
}

func TestExplainPeer(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500)).admin(mesh.Cordon{Node: 5})
	w.succeed(w.pass(0)...)
	says(t, reconcile.ExplainPeer(w.s, 5),
		"locality: its round-trip time 500ms is above 250ms",
		"locality: it is avoided for another 5m0s: rtt 500 ms is above 250ms",
		"placing: it counts as a live holder of what it holds",
		"placing: it is not given replicas: it is cordoned, it is avoided")
	w.hear(added(7, this)...).admin(mesh.EnterMaintenance{Node: this, DrainFor: window(time.Minute)})
	w.hear(mesh.AdminReceived{Event: mesh.Cordon{Node: this}})
	w.to(10).hear(mesh.LogLine{})
	says(t, reconcile.ExplainPeer(w.s, this),
		"locality: it is this node, which has no round-trip time to itself",
		"placing: it counts as a live holder of what it holds",
		"placing: it is not given replicas: it is this node, it is cordoned, it is not Active",
		"maintenance: in phase entering for 10s, with 50s left; waiting for chain 7")
}

// Every action that a pass would hand out about a chain is explained as wanted,
// although the explainer decides about that chain alone.
func TestExplainChainAgreesWithThePass(t *testing.T) {
	s := fixture(size{peers: 100, chains: 1000, daemons: 10}, kind{dirty: true, scores: true})
	wanted := map[mesh.ChainID]string{}
	for _, a := range reconcile.Diff(s) {
		switch a := a.(type) {
		case mesh.RequestPlacement:
			wanted[a.Chain] = a.Kind()
		case mesh.RequestEviction:
			wanted[a.Chain] = a.Kind()
		}
	}
	if len(wanted) != 20 {
		t.Fatalf("the fixture wants %d actions, not 20", len(wanted))
	}
	for id := mesh.ChainID(1); id <= 1000; id++ {
		var said string
		for _, f := range reconcile.ExplainChain(s, id).Findings {
			if kind, found := strings.CutSuffix(f.Text, " is wanted and is handed out by the next pass"); found && f.Arm == "actions" {
				said += kind
			}
		}
		if said != wanted[id] {
			t.Errorf("chain %d: explained as %q, and the pass wants %q", id, said, wanted[id])
		}
	}
}

package reconcile_test

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/state"
)

// racked is a member of the mesh in a rack.
func racked(id mesh.NodeID, rack string, change ...func(*mesh.Summary)) mesh.Announced {
	s := &mesh.Summary{Height: 5, Phase: mesh.PhaseActive, Labels: []mesh.Label{{Key: "rack", Value: rack}}}
	for _, c := range change {
		c(s)
	}
	heard := mesh.Announced{ID: id, Name: "m", Summary: s}
	return heard
}

// spread is a node in rack a that leads chain 7, which is spread over racks.
func spread(t *testing.T, replicas uint32, others ...mesh.Announced) *world {
	w := newWorld(t, func(b *state.Boot) {
		b.Desired = mesh.Configured{
			Labels: []mesh.Label{{Key: "rack", Value: "a"}},
			Chains: []mesh.ConfiguredChain{{ID: 7, Replicas: &replicas, Spread: "rack"}},
		}
	})
	w.s.Apply(stamp(w.at), mesh.PeersAnnounced{Peers: others})
	return w.hear(holds(7, this), mesh.ReplicaLeader{Chain: 7, Leader: this})
}

func holds(id mesh.ChainID, n mesh.NodeID) mesh.Event {
	return mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: id, Holder: n}
}

func TestB9_PlacementsAreSpreadOverALabel(t *testing.T) {
	w := spread(t, 3, racked(2, "a"), racked(3, "b"), racked(4, "b"), racked(5, "c"))
	w.hear(holds(7, 3))
	w.succeed(w.expect(1, "place 7 on 5 not on 3,100")...)
	w.hear(holds(7, 5))
	w.expect(10)
	says(t, reconcile.ExplainPeer(w.s, 3),
		"locality: its round-trip time is not known",
		"mesh: it is a member with a session, and was never heard of",
		"mesh: by its own word, after order 5 of the mesh, it is active",
		"mesh: its labels: rack = b",
		"placing: it counts as a live holder of what it holds",
		"placing: it may be given replicas")
}

func TestB9_AMemberThatComesIsATargetAtOnce(t *testing.T) {
	w := spread(t, 2, racked(2, "a"), racked(3, "b", func(s *mesh.Summary) { s.Cordoned = true }))
	w.expect(1, "place 7 on 2 not on 3,100")
	w.s.Apply(stamp(w.at), mesh.Outcome{ID: 1, Reason: "no room", Final: true})
	w.s.Apply(stamp(w.at), mesh.PeersAnnounced{Peers: []mesh.Announced{racked(3, "b")}})
	w.expect(5, "place 7 on 3 not on 100")
}

func TestB8_OfTooManyTheCrowdedRackGivesOne(t *testing.T) {
	w := spread(t, 3, racked(2, "b"), racked(3, "c"), racked(4, "b"))
	w.hear(holds(7, 2), holds(7, 3), holds(7, 4))
	w.expect(1, "evict 7 from 4")
	// Without a label the highest id goes.
	w = newWorld(t).hear(mesh.PlacementIntent{Chain: 7, Desired: 2}, holds(7, this), holds(7, 2), holds(7, 3), mesh.ReplicaLeader{Chain: 7, Leader: this})
	w.expect(1, "evict 7 from 3")
}

func TestB7_AMembersOwnWordTakesItsReplicasElsewhere(t *testing.T) {
	w := spread(t, 2, racked(2, "b"), racked(3, "b"))
	w.hear(holds(7, 2))
	w.expect(1)
	w.s.Apply(stamp(w.at), mesh.PeersAnnounced{Peers: []mesh.Announced{racked(2, "b", func(s *mesh.Summary) { s.Draining = true })}})
	w.expect(2, "place 7 on 3 not on 2,100")
}

func TestWhileTheScorerSaysWhatIsBetterNothingIsSpread(t *testing.T) {
	w := spread(t, 2, racked(2, "a"), racked(3, "b"))
	w.expect(1, "place 7 on 3 not on 100")
	w.s.Apply(stamp(w.at), mesh.Outcome{ID: 1, Reason: "no room", Final: true})
	w.s.Apply(stamp(w.at), mesh.Scores{ViewVersion: w.s.Passes(), Chains: []mesh.ChainScore{{Chain: 7, Holders: []mesh.NodeScore{{Node: this, Score: 1}}}}})
	w.expect(5, "place 7 not on 100")
}

func TestB9_AChainOfTheMeshIsSpreadAsTheMeshSays(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) {
		b.Desired = mesh.Configured{Labels: []mesh.Label{{Key: "rack", Value: "a"}}, Chains: []mesh.ConfiguredChain{{ID: 7}}}
	})
	w.s.Apply(stamp(w.at), mesh.PeersAnnounced{Peers: []mesh.Announced{racked(2, "a"), racked(3, "b"), racked(4, "b")}})
	w.s.Apply(stamp(w.at), mesh.JudgedCommit{Event: mesh.SetChain{Chain: 7, Replicas: 2, Spread: "rack"}, Ordered: mesh.Place{Height: 2, Mesh: true}})
	w.hear(holds(7, this), mesh.ReplicaLeader{Chain: 7, Leader: this})
	w.succeed(w.expect(1, "place 7 on 4 not on 100")...)
	w.hear(holds(7, 4))
	w.expect(10)
	// What the configuration of one node says later changes nothing of it.
	five := uint32(5)
	w.s.Apply(stamp(w.at), mesh.Reload{Desired: mesh.Configured{
		Labels: []mesh.Label{{Key: "rack", Value: "a"}}, Chains: []mesh.ConfiguredChain{{ID: 7, Replicas: &five}},
	}})
	w.expect(10)
	// One that the racks do not allow is said.
	w.s.Apply(stamp(w.at), mesh.JudgedCommit{Event: mesh.SetChain{Chain: 7, Replicas: 3, Spread: "rack"}, Ordered: mesh.Place{Height: 3, Mesh: true}})
	w.hear(holds(7, 3))
	c, _ := w.s.Chain(7)
	if why := reconcile.Crowded(w.s, c); why != "its holders are to be spread over rack, and node 3, node 4 share rack b" {
		t.Error(why)
	}
}

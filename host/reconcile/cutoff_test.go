package reconcile_test

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
)

// Nothing comes in from outside for an hour: no samples, no intents, no commands.
func TestP6_ANodeThatIsCutOffGoesOnEnforcingWhatItKnows(t *testing.T) {
	w := newWorld(t).hear(
		intent(1, run), started(1),
		intent(2, stop), exited(2),
		mesh.ReplicaTransition{Kind: mesh.BecameHolderAndLeader, Chain: 1, Holder: this},
		mesh.PlacementIntent{Chain: 1, Desired: 2},
		mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 1, Holder: 3},
		mesh.HealthSample{Peer: 3, Health: mesh.HealthHealthy},
	)
	w.expect(1)
	w.to(3600).hear(mesh.HealthSample{Peer: 3, Health: mesh.HealthUnreachable}, crashed(1), started(2))
	w.succeed(w.expect(3600, "backoff 1 to 1h0m0.5s", "stop 2 at 1h0m30s: desired intent is stop")...)
	w.to(3601).hear(exited(2))
	w.expect(3601, "start 1")
	// Its only peer is lost, and the chain is still to have two live holders.
	w.expect(3630, "place 1 not on 3,100")
}

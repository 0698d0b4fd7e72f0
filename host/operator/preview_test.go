package operator_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

// The preview does not call reconcile, so a test compares the two.
func TestOperator019_020_Core178_ThePreviewNamesWhatReconcileDoes(t *testing.T) {
	const leader, chain = 1, 100
	at := mesh.Stamp{At: mesh.Time(time.Hour), Wall: begin()}
	for name, c := range map[string]struct {
		order mesh.AdminEvent
		node  uint64
		done  func(mesh.Action) bool
	}{
		"Operator019 eviction": {mesh.ForceEvictReplica{Chain: chain, Victim: 8}, 8, func(a mesh.Action) bool {
			return a == mesh.RequestEviction{Chain: chain, Victim: 8}
		}},
		"Operator020 placement": {mesh.ForceCutover{Chain: chain, Target: 42}, 42, func(a mesh.Action) bool {
			p, ok := a.(mesh.RequestPlacement)
			return ok && p.Chain == chain && p.Target == 42
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := state.New(state.Boot{Node: leader, Epoch: 7, Policy: statetest.Policy(), At: at})
			for _, ev := range []mesh.Event{
				mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: chain, Holder: 7},
				mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: chain, Holder: 8},
				mesh.ReplicaLeader{Chain: chain, Leader: leader},
			} {
				s.Apply(at, mesh.Heard{Event: ev})
			}
			preview, err := operator.Simulate(snapshot.Build(s, at), c.order)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]uint64{{c.node}, {chain}}, [][]uint64{preview.GetAffectedNodes(), preview.GetAffectedReplicas()}); diff != "" {
				t.Errorf("previewed nodes and chains, -want +got:\n%s", diff)
			}
			s.Apply(at, mesh.Heard{Event: mesh.AdminReceived{Event: c.order}})
			handedOut := reconcile.Pass(s, at, 1<<10).Actions
			if len(handedOut) != 1 || !c.done(handedOut[0].Action) {
				t.Errorf("reconcile hands out %+v", handedOut)
			}
		})
	}
}

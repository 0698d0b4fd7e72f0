package mesh_test

import (
	"slices"
	"testing"

	"github.com/meshos/meshos/host/mesh"
)

func TestB20_OrdersAreToldFromFacts(t *testing.T) {
	const self = 1
	for order, events := range map[bool][]mesh.Event{
		true: {
			mesh.AdminReceived{Event: mesh.Cordon{Node: 2}},
			mesh.PlacementIntent{},
			mesh.DaemonIntent{},
			mesh.LocalReplicaIntent{},
			mesh.Shutdown{},
			mesh.MaintenanceObserved{Node: self},
		},
		false: {
			mesh.MaintenanceObserved{Node: 2},
			mesh.ReplicaUpdate{},
			mesh.ReplicaLeader{},
			mesh.ReplicaCurrent{},
			mesh.ReplicaTransition{},
			mesh.DaemonStarted{},
			mesh.DaemonExited{},
			mesh.DaemonCrashed{},
			mesh.DaemonHealthChanged{},
			mesh.DaemonSaturationChanged{},
			mesh.RTTSample{},
			mesh.HealthSample{},
			mesh.LogLine{},
			mesh.BlobAnnouncement{},
		},
	} {
		for _, ev := range events {
			if mesh.IsOrder(ev, self) != order {
				t.Errorf("%T is an order: %v", ev, !order)
			}
			if !slices.Contains(mesh.EventKinds(), mesh.EventKind(ev)) {
				t.Errorf("%T is of the unknown kind %s", ev, mesh.EventKind(ev))
			}
		}
	}
}

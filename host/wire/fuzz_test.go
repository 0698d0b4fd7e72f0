package wire_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Whatever bytes make a message, taking it in ends in a value that can go out
// again or in an error that names a field.
func FuzzFromProto(f *testing.F) {
	for _, event := range []mesh.Event{
		mesh.Shutdown{},
		mesh.RTTSample{Peer: 2, RTT: 1},
		mesh.LogLine{Level: mesh.LevelInfo, Message: "hello"},
		mesh.AdminReceived{Event: mesh.DropReplicas{Node: 1, Chains: []mesh.ChainID{7}}},
		mesh.DaemonHealthChanged{Daemon: mesh.DaemonRef{ID: 1}, Health: mesh.DaemonHealth{Status: mesh.DaemonDegraded}},
	} {
		raw, err := proto.Marshal(wire.EventToProto(event))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var event meshosv1.Event
		if proto.Unmarshal(raw, &event) == nil {
			got, signed, err := wire.EventFromProto(&event)
			namesAField(t, err)
			if given := btoi(got != nil) + btoi(signed != nil) + btoi(err != nil); given != 1 {
				t.Fatalf("event %v, signed %v, error %v: not exactly one of them", got, signed, err)
			}
			if got != nil {
				wire.EventToProto(got)
			}
		}
		var inventory meshosv1.PeerInventory
		if proto.Unmarshal(raw, &inventory) == nil {
			got, err := wire.InventoryFromProto(&inventory)
			namesAField(t, err)
			wire.InventoryToProto(got)
		}
		var migrations meshosv1.Migrations
		if proto.Unmarshal(raw, &migrations) == nil {
			got, err := wire.MigrationsFromProto(&migrations)
			namesAField(t, err)
			wire.MigrationsToProto(got)
		}
	})
}

func namesAField(t *testing.T, err error) {
	t.Helper()
	var field *wire.FieldError
	if err != nil && (!errors.As(err, &field) || field.Path == "" || field.Problem == "") {
		t.Fatalf("error %#v names no field", err)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

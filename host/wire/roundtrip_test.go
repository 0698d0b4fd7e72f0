package wire_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// throughBytes sends a message through its binary form, or its JSON form, as
// clients do, into the empty message fresh.
func throughBytes[M proto.Message](t *rapid.T, in, fresh M) M {
	if rapid.Bool().Draw(t, "as json") {
		raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(in)
		if err != nil {
			t.Fatalf("marshal: %v", err)
		}
		if err := protojson.Unmarshal(raw, fresh); err != nil {
			t.Fatalf("unmarshal %s: %v", raw, err)
		}
		return fresh
	}
	raw, err := proto.Marshal(in)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	if err := proto.Unmarshal(raw, fresh); err != nil {
		t.Fatalf("unmarshal: %v", err)
	}
	return fresh
}

func TestEveryEventSurvivesTheWayOutAndIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genEvent().Draw(t, "event")
		got, signed, err := wire.EventFromProto(throughBytes(t, wire.EventToProto(want), &meshosv1.Event{}))
		if err != nil || signed != nil {
			t.Fatalf("EventFromProto: signed %v, error %v", signed, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("changed on the way (-sent +received):\n%s", diff)
		}
	})
}

func TestCore001_EveryCommandSurvivesTheWayOutAndIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genAdmin().Draw(t, "command")
		got, err := wire.AdminFromProto(throughBytes(t, wire.AdminToProto(want), &meshosv1.AdminEvent{}))
		if err != nil {
			t.Fatalf("AdminFromProto: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("changed on the way (-sent +received):\n%s", diff)
		}
	})
}

func TestInventorySurvivesTheWayOutAndIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genInventory().Draw(t, "inventory")
		got, err := wire.InventoryFromProto(throughBytes(t, wire.InventoryToProto(want), &meshosv1.PeerInventory{}))
		if err != nil {
			t.Fatalf("InventoryFromProto: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("changed on the way (-sent +received):\n%s", diff)
		}
	})
}

func TestMigrationsSurviveTheWayOutAndIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := mesh.Migrations{Source: rapid.String().Draw(t, "source"), InFlight: rapid.SliceOfN(genMigration(), 1, 4).Draw(t, "migrations")}
		got, err := wire.MigrationsFromProto(throughBytes(t, wire.MigrationsToProto(want), &meshosv1.Migrations{}))
		if err != nil {
			t.Fatalf("MigrationsFromProto: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("changed on the way (-sent +received):\n%s", diff)
		}
	})
}

// An event that was accepted converts back to the same message, so a journal of it replays
// the same.
func TestWhatIsAcceptedGoesOutAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := wire.EventToProto(genEvent().Draw(t, "event"))
		event, _, err := wire.EventFromProto(sent)
		if err != nil {
			t.Fatal(err)
		}
		if again := wire.EventToProto(event); !proto.Equal(sent, again) {
			t.Fatalf("came as %v, goes out as %v", sent, again)
		}
	})
}

package wire_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Each field of an inventory is one fact, which can have an age and can be taken from another.
func TestEveryFieldOfAnInventoryIsAFact(t *testing.T) {
	names := map[string]mesh.Fact{}
	for f := range mesh.Facts {
		names[f.String()] = f
	}
	fields := (&meshosv1.PeerInventory{}).ProtoReflect().Descriptor().Fields()
	if len(names)+2 != fields.Len() {
		t.Errorf("%d facts, but %d fields with peer and ages", len(names), fields.Len())
	}
	for i := range fields.Len() {
		field := fields.Get(i)
		name := string(field.Name())
		fact, found := names[name]
		if name == "peer" || name == "ages" {
			continue
		}
		if !found {
			t.Errorf("%s is no fact", name)
			continue
		}
		one := &meshosv1.PeerInventory{Peer: 1, ForkedFrom: proto.Uint64(2)}
		if name != "forked_from" {
			one.ForkedFrom = nil
			m := one.ProtoReflect()
			if field.IsList() {
				list := m.Mutable(field).List()
				list.Append(list.NewElement())
			} else {
				m.Set(field, field.Default())
			}
		}
		one.Ages = map[string]*durationpb.Duration{name: durationpb.New(7), "of_another_version": durationpb.New(8)}
		in, err := wire.InventoryFromProto(one)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out := mesh.Inventory{Node: 1}
		for f := range mesh.Facts {
			if in.Has(f) != (f == fact) {
				t.Errorf("of a message with %s alone it knows %v: %v", name, f, in.Has(f))
			}
			if want := map[bool]int64{true: 7}[f == fact]; int64(in.Ages[f]) != want {
				t.Errorf("age of %v is %d, want %d", f, in.Ages[f], want)
			}
		}
		out.Take(fact, &in)
		out.Ages = in.Ages
		delete(one.Ages, "of_another_version")
		if got := wire.InventoryToProto(out); !proto.Equal(got, one) {
			t.Errorf("%s: %v became %v", name, one, got)
		}
	}
}

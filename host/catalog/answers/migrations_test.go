package answers

import (
	"maps"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestMigrations(t *testing.T) {
	got, bad := Migrations(&meshosv1.Migrations{InFlight: []*meshosv1.MigrationView{
		{Migration: 1, Phase: 2},
		{Migration: 1},
		{Migration: 0},
		{Migration: 2, Phase: 99},
		{Migration: 3, ProgressPercent: proto.Uint32(101)},
		{Migration: 4, Elapsed: durationpb.New(-1)},
	}})
	if len(got) != 1 || got[0].ID != 1 {
		t.Errorf("kept %v", got)
	}
	var n uint64
	for _, c := range bad.byReason {
		n += c.n
	}
	if n != 5 {
		t.Errorf("found %v", counts(bad))
	}
}

func TestP5_MigrationsAreBounded(t *testing.T) {
	in := &meshosv1.Migrations{}
	for id := range uint64(migrationsMax + 5) {
		in.InFlight = append(in.InFlight, &meshosv1.MigrationView{Migration: id + 1, Phase: 2})
	}
	got, bad := Migrations(in)
	if want := map[string]uint64{"more than 10000 migrations: migration 10001": 5}; len(got) != migrationsMax || !maps.Equal(counts(bad), want) {
		t.Errorf("kept %d, found %v", len(got), counts(bad))
	}
}

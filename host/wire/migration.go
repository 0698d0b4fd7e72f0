package wire

import (
	"errors"
	"strconv"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// MigrationFromProto checks and converts one migration. Its phase, source and target may
// be left out. The error is a *FieldError.
func MigrationFromProto(in *meshosv1.MigrationView) (mesh.Migration, error) {
	var f fields
	out := mesh.Migration{
		ID:             mesh.MigrationID(f.id("migration", in.GetMigration())),
		Source:         mesh.NodeID(in.GetSource()),
		Target:         mesh.NodeID(in.GetTarget()),
		Elapsed:        f.durationOr0("elapsed", in.GetElapsed()),
		InPhase:        f.durationOr0("in_phase", in.GetInPhase()),
		Retries:        in.GetRetries(),
		BufferedEvents: in.GetBufferedEvents(),
	}
	if phase := int32(in.GetPhase()); phase != 0 {
		out.Phase = mesh.MigrationPhase(f.enum("phase", phase, int32(mesh.MigrationComplete)))
	}
	if in.GetProgressPercent() > 100 {
		f.fail("progress_percent", "must be at most 100, is %d", in.GetProgressPercent())
	}
	if in.Left != nil {
		left := f.durationOr0("left", in.GetLeft())
		out.Left = &left
	}
	if f.err != nil {
		return mesh.Migration{}, f.err
	}
	out.Chain = mesh.ChainID(in.GetChain())
	out.DoneBytes = copied(in.DoneBytes)
	out.SnapshotBytes = copied(in.SnapshotBytes)
	out.ProgressPercent = copied(in.ProgressPercent)
	return out, nil
}

// MigrationsFromProto checks and converts a list of migrations. The error is a
// *FieldError that names the item: "in_flight[2].migration: must not be 0".
func MigrationsFromProto(in *meshosv1.Migrations) (mesh.Migrations, error) {
	out := mesh.Migrations{Source: in.GetSource()}
	for i, view := range in.GetInFlight() {
		migration, err := MigrationFromProto(view)
		if err != nil {
			return mesh.Migrations{}, within("in_flight["+strconv.Itoa(i)+"]", err)
		}
		out.InFlight = append(out.InFlight, migration)
	}
	return out, nil
}

// MigrationToProto converts one migration.
func MigrationToProto(in mesh.Migration) *meshosv1.MigrationView {
	out := &meshosv1.MigrationView{
		Migration:       uint64(in.ID),
		Phase:           meshosv1.MigrationView_Phase(in.Phase),
		Source:          uint64(in.Source),
		Target:          uint64(in.Target),
		Elapsed:         durationpb.New(in.Elapsed),
		InPhase:         durationpb.New(in.InPhase),
		SnapshotBytes:   copied(in.SnapshotBytes),
		Retries:         in.Retries,
		ProgressPercent: copied(in.ProgressPercent),
		BufferedEvents:  in.BufferedEvents,
		Chain:           uint64(in.Chain),
		DoneBytes:       copied(in.DoneBytes),
	}
	if in.Left != nil {
		out.Left = durationpb.New(*in.Left)
	}
	return out
}

// MigrationsToProto converts a list of migrations.
func MigrationsToProto(in mesh.Migrations) *meshosv1.Migrations {
	out := &meshosv1.Migrations{Source: in.Source}
	for _, migration := range in.InFlight {
		out.InFlight = append(out.InFlight, MigrationToProto(migration))
	}
	return out
}

// within prepends the path of the outer message to the path of a *FieldError.
func within(path string, err error) error {
	var field *FieldError
	if errors.As(err, &field) {
		return &FieldError{Path: path + "." + field.Path, Problem: field.Problem}
	}
	return err
}

package answers

import (
	"fmt"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// migrationsMax bounds the migrations of one answer: the node keeps and shows all of them.
const migrationsMax = 10_000

// Migrations returns the migrations that can be true.
func Migrations(in *meshosv1.Migrations) ([]mesh.Migration, Discarded) {
	var bad Discarded
	out := make([]mesh.Migration, 0, len(in.GetInFlight()))
	seen := make(map[mesh.MigrationID]struct{}, len(in.GetInFlight()))
	for _, view := range in.GetInFlight() {
		migration, err := wire.MigrationFromProto(view)
		_, twice := seen[migration.ID]
		switch {
		case len(out) == migrationsMax:
			bad.Add(fmt.Sprintf("more than %d migrations", migrationsMax), "migration %d", view.GetMigration())
		case err != nil:
			bad.Add("malformed migration", "migration %d: %v", view.GetMigration(), err)
		case migration.Elapsed < 0 || migration.InPhase < 0 || migration.Left != nil && *migration.Left < 0:
			bad.Add("negative duration of a migration", "migration %d", migration.ID)
		case twice:
			bad.Add("migration twice in an answer", "migration %d", migration.ID)
		default:
			seen[migration.ID] = struct{}{}
			out = append(out, migration)
		}
	}
	return out, bad
}

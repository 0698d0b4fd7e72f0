package state

import (
	"cmp"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// Migrations returns the migrations under way, by id, as their source reported them last.
// They are dropped if the source does not report again within the lifetime of a sample.
func (s *State) Migrations() []mesh.Migration { return s.migrations }

func (s *State) applyMigrations(in mesh.Migrations) {
	s.migrations, s.migrationsAt = slices.Clone(in.InFlight), s.now
	slices.SortFunc(s.migrations, func(a, b mesh.Migration) int { return cmp.Compare(a.ID, b.ID) })
}

func (s *State) expireMigrations() {
	if s.migrations != nil && s.now.Sub(s.migrationsAt) >= s.policy.SampleTTL {
		s.migrations = nil
	}
}

package state

import (
	"cmp"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// Migrations lists the migrations under way, by id. They stand as their source told
// them last, until that was a sample's lifetime ago: a source that is away says
// nothing of how they went on.
func (s *State) Migrations() []mesh.Migration { return s.migrations }

func (s *State) migrating(in mesh.Migrations) {
	s.migrations, s.migrationsAt = slices.Clone(in.InFlight), s.now
	slices.SortFunc(s.migrations, func(a, b mesh.Migration) int { return cmp.Compare(a.ID, b.ID) })
}

func (s *State) expireMigrations() {
	if s.migrations != nil && s.now.Sub(s.migrationsAt) >= s.policy.SampleTTL {
		s.migrations = nil
	}
}

package loop

import (
	"context"
	"sync"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
)

// Scorer scores holders and candidates of chains. The loop only keeps the slot for it:
// host/scoring calls the scorer and feeds its answers to the loop.
type Scorer = scoring.Scorer

// Aborter aborts migrations.
type Aborter interface {
	// Abort aborts a migration that this node tracks, and returns nil for one that it
	// does not know. ctx has a deadline.
	Abort(ctx context.Context, migration mesh.MigrationID, reason string) error
	// NoOp reports whether Abort does nothing.
	NoOp() bool
}

// MigrationSource lists the migrations under way. It is called like a probe, but a tick
// never waits for it: its answer is folded at the next one.
type MigrationSource interface {
	Name() string
	ListMigrations(ctx context.Context) ([]mesh.Migration, error)
}

// Slots hold what a loop has at most one of, a scorer and an aborter, and its migration sources.
// While a slot is empty, no chain is scored, no migration aborted and none listed.
// Changes take effect at the next use. The zero value is empty and ready to use. Slots
// are safe for concurrent use.
type Slots struct {
	mu         sync.Mutex
	scorer     Scorer
	aborter    Aborter
	migrations []MigrationSource
	listing    []*source // call migrations
}

// InstallScorer installs a scorer, or none for nil, and returns the one before, nil if
// there was none.
func (s *Slots) InstallScorer(scorer Scorer) (previous Scorer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	previous, s.scorer = s.scorer, scorer
	return previous
}

// Scorer returns the scorer that is installed, or one that does nothing.
func (s *Slots) Scorer() Scorer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.scorer == nil {
		return noScorer{}
	}
	return s.scorer
}

// InstallAborter installs an aborter, or none for nil, and returns the one before, nil
// if there was none.
func (s *Slots) InstallAborter(aborter Aborter) (previous Aborter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	previous, s.aborter = s.aborter, aborter
	return previous
}

// Aborter returns the aborter that is installed, or one that does nothing.
func (s *Slots) Aborter() Aborter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aborter == nil {
		return noAborter{}
	}
	return s.aborter
}

// InstallMigrationSources installs sources, whose names differ, and returns those before. When
// one goes, so do the migrations that it listed.
func (s *Slots) InstallMigrationSources(sources ...MigrationSource) (previous []MigrationSource) {
	listing := make([]*source, 0, len(sources))
	for _, src := range sources {
		listing = append(listing, listingOf(src))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	previous, s.migrations, s.listing = s.migrations, sources, listing
	return previous
}

// sources returns the migration sources.
func (s *Slots) sources() []*source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listing
}

func listingOf(src MigrationSource) *source {
	return &source{
		kind: migrationSource, name: src.Name(),
		ask: func(ctx context.Context, _ []mesh.NodeID) (answer, error) {
			migrations, err := src.ListMigrations(ctx)
			return answer{migrations: migrations}, err
		},
	}
}

type (
	noScorer  struct{}
	noAborter struct{}
)

// Name implements Scorer.
func (noScorer) Name() string { return "none" }

// NoOp implements Scorer.
func (noScorer) NoOp() bool { return true }

// Score implements Scorer.
func (noScorer) Score(_ context.Context, req scoring.Request) (mesh.Scores, error) {
	return mesh.Scores{ViewVersion: req.Version}, nil
}

// Abort implements Aborter.
func (noAborter) Abort(context.Context, mesh.MigrationID, string) error { return nil }

// NoOp implements Aborter.
func (noAborter) NoOp() bool { return true }

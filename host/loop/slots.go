package loop

import (
	"context"
	"sync"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
)

// Scorer scores holders and candidates of chains. The loop only keeps its slot:
// host/scoring asks it and feeds the loop what it answers.
type Scorer = scoring.Scorer

// Aborter aborts migrations.
type Aborter interface {
	// Abort aborts a migration that this node tracks, and is content with one that
	// it does not know. ctx has a deadline.
	Abort(ctx context.Context, migration mesh.MigrationID, reason string) error
	// NoOp says that Abort does nothing.
	NoOp() bool
}

// MigrationSource lists the migrations under way. It is asked like a probe, but a
// tick never waits for it: its answer is folded at the next one.
type MigrationSource interface {
	Name() string
	ListMigrations(ctx context.Context) ([]mesh.Migration, error)
}

// Slots are the places of which a loop has one each. An empty one holds an honest
// no-op: no scorer has an opinion, no aborter aborts, no source has migrations.
// Changes take effect at the next use. The zero value is empty and ready; it is
// safe for concurrent use.
type Slots struct {
	mu         sync.Mutex
	scorer     Scorer
	aborter    Aborter
	migrations MigrationSource
	listing    *source // asks migrations
}

// InstallScorer puts a scorer in, nil for none, and returns the previous one, nil
// for none.
func (s *Slots) InstallScorer(scorer Scorer) (previous Scorer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	previous, s.scorer = s.scorer, scorer
	return previous
}

// Scorer is the scorer installed, or one that is a no-op.
func (s *Slots) Scorer() Scorer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.scorer == nil {
		return noScorer{}
	}
	return s.scorer
}

// InstallAborter puts an aborter in, nil for none, and returns the previous one,
// nil for none.
func (s *Slots) InstallAborter(aborter Aborter) (previous Aborter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	previous, s.aborter = s.aborter, aborter
	return previous
}

// Aborter is the aborter installed, or one that is a no-op.
func (s *Slots) Aborter() Aborter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aborter == nil {
		return noAborter{}
	}
	return s.aborter
}

// InstallMigrationSource puts a source in, nil for none, and returns the previous
// one, nil for none. When the slot becomes empty, so does the list of migrations.
func (s *Slots) InstallMigrationSource(src MigrationSource) (previous MigrationSource) {
	var listing *source
	if src != nil {
		listing = listingOf(src)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	previous, s.migrations, s.listing = s.migrations, src, listing
	return previous
}

// MigrationSource is the source installed, or one that is a no-op.
func (s *Slots) MigrationSource() MigrationSource {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.migrations == nil {
		return noMigrations{}
	}
	return s.migrations
}

// sources lists the migration source, if there is one.
func (s *Slots) sources() []*source {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listing == nil {
		return nil
	}
	return []*source{s.listing}
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
	noScorer     struct{}
	noAborter    struct{}
	noMigrations struct{}
)

func (noScorer) Name() string { return "none" }
func (noScorer) NoOp() bool   { return true }

// Score implements Scorer.
func (noScorer) Score(_ context.Context, req scoring.Request) (mesh.Scores, error) {
	return mesh.Scores{ViewVersion: req.Version}, nil
}

func (noAborter) Abort(context.Context, mesh.MigrationID, string) error { return nil }
func (noAborter) NoOp() bool                                            { return true }

func (noMigrations) Name() string                                             { return "none" }
func (noMigrations) ListMigrations(context.Context) ([]mesh.Migration, error) { return nil, nil }

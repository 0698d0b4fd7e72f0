package state

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// migrations are the migrations under way.
type migrations struct {
	all     []mesh.Migration // of all sources, by id
	sources map[string]migrationList
	steps   map[mesh.MigrationID]migrationStep // of those that move a replica of a chain
}

// migrationList is what one source reported last.
type migrationList struct {
	at       mesh.Time
	inFlight []mesh.Migration
}

// migrationStep is how far a migration was when it advanced last.
type migrationStep struct {
	phase   mesh.MigrationPhase
	done    uint64
	percent uint32
	at      mesh.Time
	aborted mesh.Time // when that was asked for last, because it stood still; 0: never
}

// Migrations returns the migrations under way, by id, as their sources reported them last.
// They are dropped if their source does not report again within the lifetime of a sample.
func (s *State) Migrations() []mesh.Migration { return s.migrations.all }

// applyMigrations folds the list of a source. A migration of a chain that this node leads is
// aborted once it stood still for the time that an action may take.
func (s *State) applyMigrations(in mesh.Migrations) []Effect {
	if _, known := s.migrations.sources[in.Source]; !known && len(in.InFlight) == 0 {
		return nil
	}
	if s.migrations.sources == nil {
		s.migrations.sources = make(map[string]migrationList)
	}
	s.migrations.sources[in.Source] = migrationList{s.now, slices.Clone(in.InFlight)}
	if len(in.InFlight) == 0 {
		delete(s.migrations.sources, in.Source)
	}
	s.mergeMigrations()
	return s.abortStill()
}

func (s *State) expireMigrations() {
	before := len(s.migrations.sources)
	maps.DeleteFunc(s.migrations.sources, func(_ string, l migrationList) bool { return s.now.Sub(l.at) >= s.policy.SampleTTL })
	if len(s.migrations.sources) < before {
		s.mergeMigrations()
	}
}

// mergeMigrations puts the lists of all sources together, and notes what has advanced.
func (s *State) mergeMigrations() {
	m := &s.migrations
	m.all = nil
	for _, source := range slices.Sorted(maps.Keys(m.sources)) {
		m.all = append(m.all, m.sources[source].inFlight...)
	}
	slices.SortStableFunc(m.all, func(a, b mesh.Migration) int { return cmp.Compare(a.ID, b.ID) })
	m.all = slices.CompactFunc(m.all, func(a, b mesh.Migration) bool { return a.ID == b.ID })
	steps := make(map[mesh.MigrationID]migrationStep)
	for _, one := range m.all {
		if one.Chain == 0 {
			continue
		}
		step, known := m.steps[one.ID]
		now := migrationStep{phase: one.Phase, at: s.now}
		if one.DoneBytes != nil {
			now.done = *one.DoneBytes
		}
		if one.ProgressPercent != nil {
			now.percent = *one.ProgressPercent
		}
		if known && step.phase == now.phase && step.done == now.done && step.percent == now.percent {
			now = step
		}
		steps[one.ID] = now
	}
	m.steps = steps
}

// abortStill asks for an end of the migrations that stand still, once within each timeout.
func (s *State) abortStill() (effects []Effect) {
	for _, one := range s.migrations.all {
		step, moves := s.migrations.steps[one.ID]
		c := s.chains.get(one.Chain)
		if !moves || c == nil || c.leader != s.node || s.now.Sub(max(step.at, step.aborted)) < s.policy.ActionTimeout {
			continue
		}
		step.aborted = s.now
		s.migrations.steps[one.ID] = step
		reason := fmt.Sprintf("it stood still for %s", s.now.Sub(step.at).Truncate(time.Second))
		s.recordFailure(fmt.Sprintf("migration:%d", one.ID), fmt.Sprintf("aborted: chain %d to node %d: %s", one.Chain, one.Target, reason))
		effects = append(effects, AbortMigration{Migration: one.ID, Reason: reason})
	}
	return effects
}

// advanced returns when a migration of a chain advanced last; 0 if none is under way.
func (s *State) advanced(chain mesh.ChainID) (at mesh.Time) {
	if len(s.migrations.steps) == 0 {
		return 0
	}
	for _, one := range s.migrations.all {
		if one.Chain == chain && chain != 0 {
			at = max(at, s.migrations.steps[one.ID].at)
		}
	}
	return at
}

// heardOf returns when something was heard last of an action that is outstanding: of itself, or of
// the migration that it began.
func (s *State) heardOf(e *ledgerEntry) mesh.Time {
	switch key := e.emitted.Action.Key(); key.Kind {
	case mesh.KindRequestPlacement, mesh.KindRequestEviction, mesh.KindPullReplica, mesh.KindDropReplica:
		return max(e.heard, s.advanced(mesh.ChainID(key.Subject)))
	}
	return e.heard
}

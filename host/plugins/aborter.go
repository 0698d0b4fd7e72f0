package plugins

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
)

// listed is which plugin listed which migrations last. It is safe for concurrent use, and its
// zero value is empty.
type listed struct {
	mu       sync.Mutex
	byPlugin map[string][]mesh.Migration
}

// lister is a migration source that notes what it lists.
type lister struct {
	loop.MigrationSource
	listed *listed
}

// ListMigrations implements loop.MigrationSource.
func (l lister) ListMigrations(ctx context.Context) ([]mesh.Migration, error) {
	list, err := l.MigrationSource.ListMigrations(ctx)
	if err == nil {
		l.listed.mu.Lock()
		defer l.listed.mu.Unlock()
		if l.listed.byPlugin == nil {
			l.listed.byPlugin = make(map[string][]mesh.Migration)
		}
		l.listed.byPlugin[l.Name()] = list
	}
	return list, err
}

// by reports whether a plugin lists a migration, and whether any does.
func (l *listed) by(plugin string, id mesh.MigrationID) (this, any bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, list := range l.byPlugin {
		if slices.ContainsFunc(list, func(m mesh.Migration) bool { return m.ID == id }) {
			this, any = this || name == plugin, true
		}
	}
	return this, any
}

// namedAborter is a plugin of the kind migration_aborter.
type namedAborter interface {
	loop.Aborter
	Name() string
}

// aborters has a migration aborted by the plugin that lists it, or by all if none does. It marks
// for the loop the errors that may be gone at another try.
type aborters struct {
	all    []namedAborter
	listed *listed
}

// NoOp implements loop.Aborter.
func (a aborters) NoOp() bool {
	return !slices.ContainsFunc(a.all, func(one namedAborter) bool { return !one.NoOp() })
}

// Abort implements loop.Aborter.
func (a aborters) Abort(ctx context.Context, migration mesh.MigrationID, reason string) error {
	var its []namedAborter
	for _, one := range a.all {
		if this, known := a.listed.by(one.Name(), migration); this {
			its = []namedAborter{one}
			break
		} else if !known || len(a.all) == 1 {
			its = append(its, one)
		}
	}
	if its == nil { // who lists it aborts none
		its = a.all
	}
	var failed error
	for _, one := range its {
		failed = errors.Join(failed, one.Abort(ctx, migration, reason))
	}
	if errors.Is(failed, catalog.ErrUnavailable) {
		return unavailableError{failed}
	}
	return failed
}

// unavailableError is the error of a plugin that is away, or that asks to be called
// again later.
type unavailableError struct{ error }

// Unavailable reports that another try may help.
func (unavailableError) Unavailable() bool { return true }

// Unwrap returns the plugin's error.
func (e unavailableError) Unwrap() error { return e.error }

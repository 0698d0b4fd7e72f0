package plugins

import (
	"context"
	"errors"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
)

// aborter marks for the loop the errors of a plugin that may be gone at another try.
type aborter struct{ loop.Aborter }

// Abort implements loop.Aborter.
func (a aborter) Abort(ctx context.Context, migration mesh.MigrationID, reason string) error {
	err := a.Aborter.Abort(ctx, migration, reason)
	if errors.Is(err, catalog.ErrUnavailable) {
		return unavailableError{err}
	}
	return err
}

// unavailableError is the error of a plugin that is away, or that asks to be called
// again later.
type unavailableError struct{ error }

// Unavailable reports that another try may help.
func (unavailableError) Unavailable() bool { return true }

// Unwrap returns the plugin's error.
func (e unavailableError) Unwrap() error { return e.error }

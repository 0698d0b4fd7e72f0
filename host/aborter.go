package host

import (
	"context"
	"errors"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
)

// aborter tells the loop which errors of a plugin another try may help against.
type aborter struct{ loop.Aborter }

// Abort implements loop.Aborter.
func (a aborter) Abort(ctx context.Context, migration mesh.MigrationID, reason string) error {
	err := a.Aborter.Abort(ctx, migration, reason)
	if errors.Is(err, catalog.ErrUnavailable) {
		return unavailableError{err}
	}
	return err
}

// unavailableError is the error of a plugin that is away, or says to come again.
type unavailableError struct{ error }

// Unavailable says that another try may help.
func (unavailableError) Unavailable() bool { return true }

// Unwrap gives the plugin's error.
func (e unavailableError) Unwrap() error { return e.error }

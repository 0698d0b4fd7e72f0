package plugins

import (
	"context"
	"errors"
	"testing"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
)

// failing is an aborter that returns an error.
type failing struct{ err error }

func (failing) NoOp() bool { return false }

func (f failing) Abort(context.Context, mesh.MigrationID, string) error { return f.err }

func TestOnlyAPluginThatIsAwayIsAskedAgainToAbort(t *testing.T) {
	for _, c := range []struct {
		err   error
		again bool
	}{
		{nil, false},
		{&catalog.NotReadyError{Plugin: "a", Status: "backing off"}, true},
		{&catalog.CallError{Plugin: "a", Kind: catalog.ErrUnavailable}, true},
		{&catalog.CallError{Plugin: "a", Kind: catalog.ErrFailedPrecondition}, false},
		{&catalog.CallError{Plugin: "a", Kind: catalog.ErrDeadline}, false},
	} {
		err := aborter{failing{c.err}}.Abort(t.Context(), 9, "")
		var again interface{ Unavailable() bool }
		if got := errors.As(err, &again) && again.Unavailable(); got != c.again || !errors.Is(err, c.err) {
			t.Errorf("%v: again %v, want %v", err, got, c.again)
		}
	}
}

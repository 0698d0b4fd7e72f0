package plugins

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
)

// failing is an aborter that returns an error.
type failing struct {
	name  string
	err   error
	asked *[]string
}

func (failing) NoOp() bool { return false }

func (f failing) Name() string { return f.name }

func (f failing) Abort(context.Context, mesh.MigrationID, string) error {
	if f.asked != nil {
		*f.asked = append(*f.asked, f.name)
	}
	return f.err
}

// lists lists one migration.
type lists struct {
	name string
	id   mesh.MigrationID
}

func (l lists) Name() string { return l.name }

func (l lists) ListMigrations(context.Context) ([]mesh.Migration, error) {
	return []mesh.Migration{{ID: l.id}}, nil
}

func TestAMigrationIsAbortedByThePluginThatListsIt(t *testing.T) {
	var known listed
	for _, l := range []lists{{"orchestrator", 4}, {"mesh", 9}, {"silent", 5}} {
		if _, err := (lister{l, &known}).ListMigrations(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[mesh.MigrationID][]string{4: {"orchestrator"}, 9: {"mesh"}, 5: {"orchestrator", "mesh"}, 7: {"orchestrator", "mesh"}} {
		var asked []string
		err := errors.New("no")
		a := aborters{[]namedAborter{failing{"orchestrator", err, &asked}, failing{"mesh", nil, &asked}}, &known}
		got := a.Abort(t.Context(), id, "")
		if !slices.Equal(asked, want) || errors.Is(got, err) != slices.Contains(want, "orchestrator") {
			t.Errorf("migration %d: asked %v, %v; want %v", id, asked, got, want)
		}
	}
}

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
		err := aborters{[]namedAborter{failing{err: c.err}}, &listed{}}.Abort(t.Context(), 9, "")
		var again interface{ Unavailable() bool }
		if got := errors.As(err, &again) && again.Unavailable(); got != c.again || !errors.Is(err, c.err) {
			t.Errorf("%v: again %v, want %v", err, got, c.again)
		}
	}
}

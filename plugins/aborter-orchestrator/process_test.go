package main

import (
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
)

func TestProcessListsAndAborts(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := catalogtest.Start(t, name, map[string]any{"url": s.URL + "/base", "interval": "20ms"})
	testkit.Until(t, "the first list", func() bool {
		list, err := c.MigrationSource().ListMigrations(t.Context())
		return err == nil && len(list) == 1 && list[0].ID == 7
	})
	if err := c.Aborter().Abort(t.Context(), 7, "killed by an operator"); err != nil {
		t.Fatal(err)
	}
	if got := s.seen(); len(got) != 1 || got[0].reason != "killed by an operator" {
		t.Errorf("the orchestrator saw %+v", got)
	}
}

func TestProcessWithoutOrchestrator(t *testing.T) {
	t.Parallel()
	c := catalogtest.Start(t, name, nil)
	if list, err := c.MigrationSource().ListMigrations(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("list %v, %v; want an empty one", list, err)
	}
	err := c.Aborter().Abort(t.Context(), 7, "test")
	if err == nil || !strings.Contains(err.Error(), "no orchestrator is configured") {
		t.Errorf("abort: %v", err)
	}
	said, err := c.Describe(name)
	if err != nil || !strings.Contains(said.String(), "no orchestrator is configured") {
		t.Errorf("an operator sees %v, %v", said, err)
	}
}

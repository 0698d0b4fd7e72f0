package pluginsdk_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// schedule is a migration source with one migration that never ends.
type schedule struct{}

func newSchedule(pluginsdk.Env, struct{}) (schedule, error) { return schedule{}, nil }

func (schedule) ListMigrations(context.Context) ([]*meshosv1.MigrationView, error) {
	return []*meshosv1.MigrationView{{
		Migration: 8, Phase: meshosv1.MigrationView_PHASE_TRANSFER, Source: 2, Target: 3,
	}}, nil // those that are over are not listed
}

func ExampleMigrationSource() {
	asTest(func(t testing.TB) {
		plugin := plugintest.Start(t, newSchedule, struct{}{})
		list, err := plugin.ListMigrations()
		for _, m := range list {
			fmt.Println(m.GetMigration(), m.GetPhase(), "from", m.GetSource(), "to", m.GetTarget())
		}
		fmt.Println(err)
	})
	// Output:
	// 8 PHASE_TRANSFER from 2 to 3
	// <nil>
}

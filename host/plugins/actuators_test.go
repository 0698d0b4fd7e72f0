package plugins

import (
	"errors"
	"testing"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
)

// routing returns actuators over plugins that are configured and not started.
func routing(t *testing.T, plugins ...config.Plugin) *actuators {
	t.Helper()
	cfg := &config.Config{Plugins: plugins}
	c, err := catalog.New(catalog.Options{Entries: Entries(cfg), DataDir: t.TempDir(), RunDir: "/tmp"})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{room: -1}
	return newActuators(cfg, c, w.events(), func() mesh.Time { return 0 })
}

func acting(name string, actions ...string) config.Plugin {
	return config.Plugin{Name: name, Enabled: true, Kinds: []string{catalog.KindActuator}, Actions: actions}
}

func TestKindsOfActionGoToThePluginThatNamesThem(t *testing.T) {
	off := acting("off", mesh.KindMigrateBlob)
	off.Enabled = false
	a := routing(
		t, config.Plugin{Name: "probe", Enabled: true, Kinds: []string{catalog.KindHealthProbe}},
		acting("puller", mesh.KindPullReplica, mesh.KindDropReplica), off, acting("rest"), acting("idle"),
	)
	for kind, want := range map[string]string{
		mesh.KindPullReplica: "puller",
		mesh.KindDropReplica: "puller",
		mesh.KindMigrateBlob: "rest",
		mesh.KindReduceHeat:  "rest",
	} {
		got, ok := a.find(kind)
		if !ok || got.(actuator).plugin.Name() != want {
			t.Errorf("%s goes to %v", kind, got)
		}
	}
	for plugin, wrong := range map[string]bool{"puller": false, "rest": false, "idle": true} {
		if err := a.check(plugin, []string{catalog.KindActuator}); (err != nil) != wrong {
			t.Errorf("%s: %v", plugin, err)
		}
	}
	if err := a.check("puller", []string{catalog.KindHealthProbe}); err == nil {
		t.Error("actions of a plugin that is not an actuator are fine")
	}
	if err := a.check("probe", []string{catalog.KindHealthProbe}); err != nil {
		t.Error(err)
	}
}

func TestWithoutAnActuatorNothingIsFound(t *testing.T) {
	a := routing(t, acting("puller", mesh.KindPullReplica))
	if got, ok := a.find(mesh.KindReduceHeat); ok {
		t.Errorf("reduce_heat goes to %v", got)
	}
}

// What was never heard of can be tried again, and the executor is told so.
func TestAnActionForAPluginThatIsNotReadyIsTriedAgain(t *testing.T) {
	a, _ := routing(t, acting("puller", mesh.KindPullReplica)).find(mesh.KindPullReplica)
	err := a.Dispatch(t.Context(), mesh.Emitted{ID: 1, Action: mesh.PullReplica{Chain: 7, Source: 2}})
	var later executor.RetryLater
	if !errors.As(err, &later) || later.RetryAfter() <= 0 {
		t.Errorf("%v", err)
	}
}

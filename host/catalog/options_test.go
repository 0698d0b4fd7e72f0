package catalog_test

import (
	"strings"
	"testing"

	"github.com/meshos/meshos/host/catalog"
)

func TestOptionsThatCannotWork(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("x", 80)
	_, err := catalog.New(catalog.Options{
		RunDir: long,
		Entries: []catalog.Entry{
			{Name: ""},
			{Name: "a/b"},
			{Name: "twice"},
			{Name: "twice", SHA256: "abc"},
			{Name: "k", Kinds: []string{"locality_prob"}},
			{Name: "e", Env: []string{"PATH", "MESHOS_PLUGIN=x", "PLUGIN_CLIENT_CERT=x", "MESHOS_LOG_LEVEL=info"}},
			{Name: "c", Config: map[string]any{"x": make(chan int)}},
		},
	})
	want := []string{
		"directory for plugin sockets: the path " + long + " has 81 bytes, at most 64 are possible; set TMPDIR to a shorter one",
		"a plugin has no name",
		"plugin a/b: its name is used as a file name and must not contain a slash",
		"plugin twice: configured twice",
		`plugin twice: sha256 must be 64 hex digits, is "abc"`,
		`plugin k: unknown kind "locality_prob"; known are locality_probe, health_probe, inventory_probe, placement_scorer, ` +
			`migration_aborter, migration_source, chain_appender, actuator, event_source, recovery_handler, control_sink`,
		`plugin e: env: "PATH" is not of the form KEY=VALUE`,
		"plugin e: env: MESHOS_PLUGIN is set by the host",
		"plugin e: env: PLUGIN_CLIENT_CERT is set by the host",
		"plugin c: config: proto:",
	}
	if err == nil {
		t.Fatal("accepted")
	}
	got := strings.Split(err.Error(), "\n")
	if len(got) != len(want) {
		t.Fatalf("got\n%s", err)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

func TestDescribeOfAnUnknownPlugin(t *testing.T) {
	t.Parallel()
	c, err := catalog.New(catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Describe("x")
	if want := `no plugin "x" is configured; "meshos plugin list" shows those that are`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if c.Aborter() != nil || c.Scorer() != nil || c.MigrationSource() != nil || len(c.Actuators()) != 0 {
		t.Error("an empty catalog serves something")
	}
}

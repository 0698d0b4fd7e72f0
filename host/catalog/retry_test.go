package catalog_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
)

// Once what made a plugin fail is repaired, nobody has to wait for the end of its quarantine.
func TestARetryEndsAQuarantine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "plugin")
	testkit.Script(t, path, "#!/bin/sh\nexit 3\n")
	r := start(t, []catalog.Entry{entry("p", "", func(e *catalog.Entry) { e.Path = path })},
		func(o *catalog.Options) { o.Rand = func() float64 { return 0 } })
	r.waitFor("p", snapshot.PluginQuarantined)
	r.Retry()
	r.until("its trial failed", func() bool { return r.view("p").Restarts == 5 && r.view("p").Status == snapshot.PluginQuarantined })

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(testPlugin, path); err != nil {
		t.Fatal(err)
	}
	r.Retry()
	before := r.waitFor("p", snapshot.PluginReady)
	r.Retry()
	if after := r.waitFor("p", snapshot.PluginReady); after.PID != before.PID {
		t.Error("a plugin that runs was started anew")
	}
}

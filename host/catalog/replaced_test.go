package catalog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
)

// Somebody copied half of a plugin, and copies it again: nobody has to wait for the end of the
// quarantine, or ask for a retry.
func TestAQuarantinedPluginIsTriedWhenItsFileIsReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "plugin")
	testkit.Script(t, path, "#!/bin/sh\nexit 3\n")
	r := start(t, []catalog.Entry{entry("p", "", func(e *catalog.Entry) { e.Path = path })},
		func(o *catalog.Options) { o.Rand = func() float64 { return 0 } })
	r.waitFor("p", snapshot.PluginQuarantined)
	link := path + ".new"
	if err := os.Symlink(testPlugin, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link, path); err != nil {
		t.Fatal(err)
	}
	r.waitFor("p", snapshot.PluginReady)
}

// A file of which somebody has written a part so far is not executed.
func TestAPluginThatIsBeingWrittenIsNotStarted(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(testPlugin)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plugin")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Write(whole[:len(whole)/2]); err != nil {
		t.Fatal(err)
	}
	r := start(t, []catalog.Entry{entry("p", "", func(e *catalog.Entry) { e.Path = path })},
		func(o *catalog.Options) { o.Rand = func() float64 { return 0 } })
	want := "verify: " + path + " is being written; it is tried again when it is complete"
	for before := r.view("p").Restarts; r.view("p").Restarts < before+8; { // that would be enough for a quarantine
		r.until("another try", func() bool { return r.view("p").Status == snapshot.PluginBackingOff })
		if v := r.view("p"); v.Message != "" && !strings.HasPrefix(v.Message, want) {
			t.Fatalf("%v: %q", v.Status, v.Message)
		}
	}
	if _, err := file.Write(whole[len(whole)/2:]); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	r.waitFor("p", snapshot.PluginReady)
}

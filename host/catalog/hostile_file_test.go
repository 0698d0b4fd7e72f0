package catalog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
)

// Opening the file, or executing it, waits as long as somebody holds a lease on it.
func TestAPluginWhoseFileIsLeasedStopsNobodyElse(t *testing.T) {
	t.Parallel()
	path, letGo := testkit.Leased(t, testPlugin)
	r := start(t, []catalog.Entry{entry("leased", "", func(e *catalog.Entry) { e.Path = path }), entry("good", "")})
	r.until("the lease is in the way", r.contains(&r.failures, "leased: verify: "+path+" can't be opened: somebody holds a lease on it"))
	for range 5 {
		runtime.GC() // it would wait for a thread that waits in the kernel
	}
	r.waitFor("good", snapshot.PluginReady)
	letGo()
	r.until("the other one is ready too", func() bool {
		r.Retry() // it is perhaps quarantined by now
		return r.view("leased").Status == snapshot.PluginReady
	})
}

func TestASparseFileIsNotRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sparse")
	write(t, path, "", 0o755)
	if err := os.Truncate(path, 300<<30); err != nil {
		t.Fatal(err)
	}
	r := start(t, []catalog.Entry{entry("sparse", "", func(e *catalog.Entry) { e.Path = path })})
	v := r.waitFor("sparse", snapshot.PluginRejected)
	if want := fmt.Sprintf("start: %s has %d bytes, more than a plugin may have (%d); set path to a binary in its entry in meshos.toml, then run meshos reload", path, int64(300)<<30, 1<<30); v.Message != want {
		t.Errorf("got  %s\nwant %s", v.Message, want)
	}
}

func TestAPluginRunsFromACopyThatNobodyCanChange(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("good", "")})
	pid := r.waitFor("good", snapshot.PluginReady).PID
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil || !strings.HasPrefix(exe, "/memfd:") {
		t.Errorf("it executes %q, %v", exe, err)
	}
}

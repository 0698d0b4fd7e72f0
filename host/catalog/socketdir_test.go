package catalog_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testneeds"
)

// hostElsewhere runs a catalog in a mount namespace of its own, in which data is an empty
// file system, until the test ends or the function that it returns is called. Its sockets
// are in run, which all namespaces share. It returns when all plugins are ready.
func hostElsewhere(t *testing.T, data, run string) (killIt func()) {
	t.Helper()
	host := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c",
		fmt.Sprintf("mount -t tmpfs none %q && exec %q", data, os.Args[0]))
	host.Env = append(os.Environ(), "CATALOG_TEST_HOST="+data, "CATALOG_TEST_RUN="+run, "CATALOG_TEST_PLUGIN="+testPlugin)
	host.Stderr = os.Stderr
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	killIt = func() {
		if !killed {
			killed = true
			kill(t, host.Process.Pid, syscall.SIGKILL)
			_ = host.Wait()
		}
	}
	t.Cleanup(killIt)
	var a, b int
	if _, err := fmt.Fscan(out, &a, &b); err != nil {
		t.Fatalf("the host in another mount namespace: %v", err)
	}
	return killIt
}

// Containers often have the same paths and share /tmp: the path of a data directory says
// nothing of whose sockets these are.
func TestNodesInOtherMountNamespacesKeepTheirSockets(t *testing.T) {
	t.Parallel()
	testneeds.Root(t, "make mount namespaces")
	if _, err := exec.LookPath("unshare"); err != nil {
		testneeds.Missing(t, "needs unshare, of util-linux: %v", err)
	}
	data, run := shortDir(t), shortDir(t)
	sockets := run + "/meshos-*/*"
	first := hostElsewhere(t, data, run)
	if n := count(t, sockets); n != 2 {
		t.Fatalf("%d directories of the first node's plugins, want 2", n)
	}
	hostElsewhere(t, data, run)
	if n := count(t, sockets); n != 4 {
		t.Errorf("%d directories of both nodes' plugins, want 4: the second took the first one's away, or shares them", n)
	}
	first()

	// What a node left that was killed goes, and only that.
	r := start(t, []catalog.Entry{entry("p", "")}, func(o *catalog.Options) { o.DataDir, o.RunDir = data, run })
	r.waitFor("p", snapshot.PluginReady)
	if n := count(t, sockets); n != 3 {
		t.Errorf("%d directories of the second node's plugins and this one's, want 3", n)
	}
	r.cancel()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	r.ended <- nil
	if n := count(t, run+"/meshos-*"); n != 1 {
		t.Errorf("%d directories of nodes, want that of the second", n)
	}
	r.runDir = t.TempDir() // the second node's is no remnant
}

// A folder that somebody else made under such a name, or a version without locks, stays.
func TestWhatIsNotANodesDirectoryIsNotSweptAway(t *testing.T) {
	t.Parallel()
	run := shortDir(t)
	older, open := filepath.Join(run, "meshos-0a1b2c3d"), filepath.Join(run, "meshos-s1")
	for dir, mode := range map[string]os.FileMode{older: 0o700, open: 0o755} {
		if err := os.Mkdir(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	r := start(t, []catalog.Entry{entry("p", "")}, func(o *catalog.Options) { o.RunDir = run })
	r.waitFor("p", snapshot.PluginReady)
	for _, dir := range []string{older, open} {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}
	r.runDir = t.TempDir()
}

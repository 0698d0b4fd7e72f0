package catalog_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
)

// soon makes the next try come soon.
func soon(o *catalog.Options) { o.Rand = func() float64 { return 0.01 } }

// failuresOf counts the failures of a plugin that contain a text.
func (r *rig) failuresOf(plugin, part string) (n int) {
	for _, line := range r.lines(&r.failures) {
		if strings.HasPrefix(line, plugin+": ") && strings.Contains(line, part) {
			n++
		}
	}
	return n
}

// A node that can't open more files says so, and its plugins are not quarantined for it.
func TestTheHostsLackOfDescriptorsIsNotThePluginsFault(t *testing.T) {
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	lower := was
	lower.Cur = uint64(lowestFree(t))
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lower); err != nil {
		t.Fatal(err)
	}
	restore := func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was) }
	t.Cleanup(restore)

	r := start(t, []catalog.Entry{entry("p", "")}, soon)
	r.until("it failed more often than a plugin may", func() bool { return r.failuresOf("p", "this node can't open more files; raise") > 6 })
	if v := r.view("p"); v.Status == snapshot.PluginQuarantined || v.Status == snapshot.PluginRejected {
		t.Errorf("it is %+v", v)
	}
	restore()
	r.waitFor("p", snapshot.PluginReady)
}

// lowestFree returns the descriptor that the next file gets.
func lowestFree(t *testing.T) int {
	fd, err := syscall.Open("/", syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = syscall.Close(fd)
	return fd
}

// A folder for sockets that is missing is not the plugin's fault either.
func TestAMissingFolderIsNotThePluginsFault(t *testing.T) {
	t.Parallel()
	run := filepath.Join(shortDir(t), "run")
	r := start(t, []catalog.Entry{entry("p", "")}, soon, func(o *catalog.Options) { o.RunDir = run })
	r.until("it failed more often than a plugin may", func() bool { return r.failuresOf("p", "its socket directory can't be created") > 6 })
	if v := r.view("p"); v.Status == snapshot.PluginQuarantined {
		t.Errorf("it is %+v", v)
	}
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	r.waitFor("p", snapshot.PluginReady)
}

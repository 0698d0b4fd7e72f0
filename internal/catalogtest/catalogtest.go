// Package catalogtest runs a plugin in its tests as a node does: in a process of its own,
// under the real catalog. It complements pluginsdk/plugintest, which runs a plugin in the
// process of the test. It is for tests only.
//
// The plugin's process is the test binary itself, so nothing is built for it: the
// package's TestMain calls Main.
package catalogtest

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// atOnce is how many tests of a plugin run at the same time.
const atOnce = 4

// Main is TestMain. If a catalog started this process, it runs main, the plugin's.
// Otherwise it runs the tests, several at a time since they wait for processes, and fails if
// they leave a goroutine behind.
func Main(m *testing.M, main func()) {
	if os.Getenv("MESHOS_PLUGIN") != "" {
		main()
		return
	}
	if err := testkit.AtOnce(atOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// Start is Run, and waits until the plugin is ready.
func Start(t *testing.T, name string, config map[string]any, change ...func(*catalog.Options)) *catalog.Catalog {
	t.Helper()
	c := Run(t, name, config, change...)
	testkit.Until(t, "the plugin is ready", func() bool { return View(c).Status == snapshot.PluginReady })
	return c
}

// Run runs this test binary as the plugin of that name until the test ends. Each of change
// may change the options of the catalog.
func Run(t *testing.T, name string, config map[string]any, change ...func(*catalog.Options)) *catalog.Catalog {
	t.Helper()
	sockets, err := os.MkdirTemp("/tmp", "p") // short: the path of a socket has a limit
	if err != nil {
		t.Fatal(err)
	}
	opts := catalog.Options{
		Entries: []catalog.Entry{{Name: name, Path: os.Args[0], Enabled: true, Config: config, Chains: []string{"log"}, Timeout: testkit.Patience}},
		DataDir: t.TempDir(), RunDir: sockets, Node: 1, Cluster: "test", StartTimeout: testkit.Patience,
		Log: func(_ mesh.LogLevel, plugin, message string) { t.Logf("%s: %s", plugin, message) },
	}
	for _, c := range change {
		c(&opts)
	}
	c, err := catalog.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the catalog ended with %v", err)
		}
		_ = os.RemoveAll(sockets)
	})
	return c
}

// Peers returns a change that gives the plugin these peers.
func Peers(peers ...*pluginv1.Peer) func(*catalog.Options) {
	return func(o *catalog.Options) { o.Peers = peers }
}

// View returns the plugin as operators see it now.
func View(c *catalog.Catalog) snapshot.Plugin { return c.Views()[0] }

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// A node has one mesh plugin at most. Validate says so, and so does a node that runs all the same,
// with the first one.
func TestASecondMeshPluginIsNotUsed(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	host := fmt.Sprintf("127.%d.%d.%d", 64+rand.IntN(64), rand.IntN(256), 1+rand.IntN(254))
	entry := func(name string, port int) string {
		return fmt.Sprintf("[[plugin]]\nname = %q\npath = %q\n[plugin.config]\nlisten = \"%[3]s:%[4]d\"\nseeds = [\"%[3]s:%[4]d\"]\n",
			name, filepath.Join(bin, "plugins", "mesh-nats"), host, port)
	}
	n.write("[node]\nid = 1\nlisten = \"\"\nsocket = \"run/meshos.sock\"\n" + entry("one", 7420) + entry("two", 7430))
	_, errs, code := n.meshos("validate")
	const said = "plugin two is a mesh plugin and is not used as one: a node has one at most, and that is one, the first in the file"
	if code != 1 || !strings.Contains(errs, "meshos.toml:12: plugin.name: "+said) {
		t.Errorf("validate: exit %d\n%s", code, errs)
	}
	n.start()
	n.until("it says which one is not used", func(s *meshosv1.Snapshot) bool {
		return slices.ContainsFunc(s.GetRecentFailures(), func(f *meshosv1.FailureRecord) bool {
			return f.GetSource() == "plugin:two" && strings.Contains(f.GetReason(), "a node has one at most, and that is one")
		})
	})
	if out := n.must("mesh", "status"); !strings.Contains(out, "belongs to no mesh: `meshos mesh init` begins one") {
		t.Errorf("mesh status of a node that has a plugin and no mesh:\n%s", out)
	}
}

// A node of a mesh is one also while its plugin does not run: it says so, and refuses orders.
func TestANodeOfAMeshWithoutItsPluginIsNoNodeAlone(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write("[node]\nid = 1\nlisten = \"\"\nsocket = \"run/meshos.sock\"\n[plugins]\ndir = \"" + filepath.Join(bin, "plugins") + "\"\n")
	n.must("mesh", "init", "--listen", "127.0.0.1:7420") // nothing will listen there
	text, err := os.ReadFile(n.config)
	if err != nil {
		t.Fatal(err)
	}
	n.write(strings.Replace(string(text), "name = \"mesh-nats\"", "name = \"mesh-nats\"\nenabled = false", 1))
	n.start()
	n.until("it answers", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
	if out := n.must("mesh", "status"); !strings.Contains(out, "The mesh plugin does not run") || !strings.Contains(out, "height 1,") {
		t.Errorf("mesh status:\n%s", out)
	}
	if _, errs, code := n.meshos("admin", "cordon", "--yes"); code != 4 || !strings.Contains(errs, "mesh_unreachable") {
		t.Errorf("an order: exit %d\n%s", code, errs)
	}
}

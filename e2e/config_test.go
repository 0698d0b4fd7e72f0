package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestAllMistakesOfAConfigurationAreInOneReport(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write(`[node]
id = 1
colour = "red"
listen = 7878

[loop]
tick_interval = "half a second"

[[peer]]
id = 2
[[peer]]
id = 2

[[plugin]]
name = "nobody"
path = "no/such/file"
`)
	for _, command := range []string{"run", "validate"} {
		_, errs, code := n.meshos(command)
		if code != 2 {
			t.Errorf("%s: exit %d", command, code)
		}
		for _, want := range []string{
			"meshos.toml:3", "colour", "meshos.toml:4", "meshos.toml:7", "tick_interval", "meshos.toml:12", "meshos.toml:16", "no/such/file",
		} {
			if !strings.Contains(errs, want) {
				t.Errorf("%s: the report does not mention %s:\n%s", command, want, errs)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(n.dir, "var")); err == nil {
		t.Error("something was started")
	}
}

func TestOneBadEntryStopsOneThing(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	program := filepath.Join(n.dir, "program")
	text := fmt.Sprintf(`[node]
id = 1
listen = ""
[loop]
tick_interval = "50ms"
[[daemon]]
id = 1
name = "gone"
command = [%q]
[[daemon]]
id = 2
name = "well"
command = ["sleep", "1000"]
[[plugin]]
name = "gone"
path = %q
[[plugin]]
name = "inventory-procfs"
path = %q
`, program, filepath.Join(n.dir, "plugin"), filepath.Join(bin, "plugins", "inventory-procfs"))
	n.write(text)
	if _, errs, code := n.meshos("validate"); code != 1 || !strings.Contains(errs, "there is no file "+program) || strings.Count(errs, "there is no file") != 2 {
		t.Errorf("validate: exit %d\n%s", code, errs)
	}
	n.start()
	n.until("the rest to run", func(s *meshosv1.Snapshot) bool {
		return runs(s, 2) && plugin(s, "inventory-procfs").GetStatus() == meshosv1.PluginView_STATUS_READY &&
			plugin(s, "gone").GetStatus() == meshosv1.PluginView_STATUS_REJECTED && daemonOf(s, 1).GetRejected() != ""
	})
	if out := strings.Join(strings.Fields(n.must("status")), " "); strings.Count(out, "rejected") < 2 || !strings.Contains(out, "there is no file "+program) {
		t.Errorf("status does not say what is rejected:\n%s", out)
	}
	if out := n.must("failures"); !strings.Contains(out, "1 (gone) is rejected: there is no file "+program) {
		t.Errorf("failures do not say it:\n%s", out)
	}

	testkit.Script(t, program, "#!/bin/sh\nexec sleep 1000\n")
	n.until("the program to be found", func(s *meshosv1.Snapshot) bool { return runs(s, 1) && daemonOf(s, 1).GetRejected() == "" })
	testkit.ProgramCopy(t, filepath.Join(bin, "plugins", "health-tcp"), filepath.Join(n.dir, "plugin"))
	n.hangUp()
	n.until("the plugin to be tried again", func(s *meshosv1.Snapshot) bool {
		return plugin(s, "gone").GetStatus() == meshosv1.PluginView_STATUS_READY
	})

	// What disappears while the node runs does not keep it from reading its file again.
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	n.write(text + "[[daemon]]\nid = 3\ncommand = [\"sleep\", \"1000\"]\n")
	n.hangUp()
	n.until("the reload", func(s *meshosv1.Snapshot) bool { return runs(s, 3) && runs(s, 1) })
}

func TestARequiredPluginThatIsMissingStopsTheStart(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write("[node]\nid = 1\nlisten = \"\"\n[[plugin]]\nname = \"gone\"\nrequired = true\npath = \"/no/such/plugin\"\n")
	if _, errs, code := n.meshos("run"); code != 2 || !strings.Contains(errs, "there is no file /no/such/plugin") {
		t.Errorf("run: exit %d\n%s", code, errs)
	}
	if _, errs, code := n.meshos("validate"); code != 1 || !strings.Contains(errs, "there is no file /no/such/plugin") {
		t.Errorf("validate: exit %d\n%s", code, errs)
	}
}

func TestValidateAsksPluginsForTheirKeys(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	path := filepath.Join(bin, "plugins", "health-tcp")
	n.write(fmt.Sprintf(`[node]
id = 1
[[plugin]]
name = "health-tcp"
path = %[1]q
[plugin.config]
interval = "1s"
intervall = "2s"
[[plugin]]
name = "pinned"
path = %[1]q
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
[[plugin]]
name = "silent"
path = "/bin/false"
[plugin.config]
a = 1
[[daemon]]
id = 1
name = "twin"
command = ["sleep", "1"]
node = 77
[[daemon]]
id = 2
name = "twin"
command = ["sleep", "1"]
`, path))
	_, errs, code := n.meshos("validate")
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{
		"meshos.toml:8: plugin.config.intervall: is not a key of plugin health-tcp", "concurrency, degraded_after",
		"meshos.toml:12: plugin.sha256: " + path + " has another checksum: ", "warning: ", "meshos.toml:16: plugin.config: could not be checked: /bin/false describe",
		"meshos.toml:22: daemon.node: 77 is neither this node nor one of its peers", "meshos.toml:25: daemon.name: twin is used twice",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("the report does not mention %q:\n%s", want, errs)
		}
	}
}

func TestReloadOnHangup(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	n.until("a complete snapshot", complete)
	text, err := os.ReadFile(n.config)
	if err != nil {
		t.Fatal(err)
	}
	n.write(string(text) + "\n[[peer]]\nid = 77\nname = \"newcomer\"\naddress = \"127.0.0.77\"\nhealth = \"" + n.listen + "\"\n")
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	n.until("the new peer to be measured", func(s *meshosv1.Snapshot) bool {
		return peer(s, 77).GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_HEALTHY
	})

	n.write("[node]\nid = 0\n")
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	n.until("the rejected file to be reported", func(s *meshosv1.Snapshot) bool {
		for _, f := range s.GetRecentFailures() {
			if f.GetSource() == "reload" {
				return peer(s, 77) != nil
			}
		}
		return false
	})

	n.write(string(text))
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	n.until("the peer to disappear", func(s *meshosv1.Snapshot) bool { return peer(s, 77) == nil })
}

func TestANodeRunsWithoutPluginsAndWithoutAListener(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write("[node]\nid = 9\nlisten = \"\"\n")
	n.start()
	snap := n.until("a few ticks", func(s *meshosv1.Snapshot) bool { return s.GetTick() >= 3 })
	if snap.GetNode() != 9 || len(snap.GetPlugins()) != 0 {
		t.Errorf("node %d with plugins %v", snap.GetNode(), snap.GetPlugins())
	}
}

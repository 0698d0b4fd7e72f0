package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestAllMistakesOfAConfigurationAreInOneReport(t *testing.T) {
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

func TestReloadOnHangup(t *testing.T) {
	n := prepare(t).start()
	snap := n.until("a complete snapshot", complete)
	text, err := os.ReadFile(n.config)
	if err != nil {
		t.Fatal(err)
	}
	before := len(snap.GetPeers())
	n.write(string(text) + "\n[[peer]]\nid = 77\nname = \"newcomer\"\naddress = \"127.0.0.77\"\nhealth = \"" + n.listen + "\"\n")
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	n.until("the new peer to be measured", func(s *meshosv1.Snapshot) bool {
		return len(s.GetPeers()) == before+1 && peer(s, 77).GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_HEALTHY
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
	n := prepare(t)
	n.write("[node]\nid = 9\nlisten = \"\"\n")
	n.start()
	snap := n.until("a few ticks", func(s *meshosv1.Snapshot) bool { return s.GetTick() >= 3 })
	if snap.GetNode() != 9 || len(snap.GetPlugins()) != 0 {
		t.Errorf("node %d with plugins %v", snap.GetNode(), snap.GetPlugins())
	}
}

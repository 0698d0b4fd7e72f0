package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestReloadShowsWhatChangedAndWhatNeedsARestart(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	n.until("a complete snapshot", complete)
	original, err := os.ReadFile(n.config)
	if err != nil {
		t.Fatal(err)
	}
	if out := n.must("reload"); out != "Nothing has changed.\n" {
		t.Errorf("without a change: %s", out)
	}

	changed := strings.Replace(string(original), "[loop]", "[loop]\ntick_interval = \"400ms\"", 1) +
		"\n[[peer]]\nid = 77\nname = \"newcomer\"\naddress = \"127.0.0.77\"\n"
	n.write(changed)
	out := n.must("reload")
	for _, want := range []string{
		"Taken over:\n  peer 77 added\n",
		"Needs a restart of the node, and stays as it was until then:\n  loop.tick_interval: \"500ms\" → \"400ms\"\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	n.until("the new peer", func(s *meshosv1.Snapshot) bool {
		for _, p := range s.GetPeers() {
			if p.GetName() == "newcomer" {
				return true
			}
		}
		return false
	})
	if out := n.must("reload"); strings.Contains(out, "Taken over") || !strings.Contains(out, "loop.tick_interval") {
		t.Errorf("what needs a restart still does, and the rest is in force: %s", out)
	}

	n.write(changed + "colour = \"red\"\n")
	out, errs, code := n.meshos("reload")
	if code != 1 || !strings.Contains(out, "Nothing was taken over") || !strings.Contains(out, "colour") {
		t.Errorf("a file with a mistake: exit %d\n%s%s", code, out, errs)
	}
}

func TestReloadNamesAPluginThatRefuses(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	n.until("a complete snapshot", complete)
	text, err := os.ReadFile(n.config)
	if err != nil {
		t.Fatal(err)
	}
	n.write(strings.Replace(string(text), "name = \"health-tcp\"", "name = \"health-tcp\"\nconfig = { interval = \"never\" }", 1))
	out, errs, code := n.meshos("reload")
	if code != 1 || !strings.Contains(out, "Plugins that keep their configuration:\n  health-tcp: ") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

// Whoever does what the message about a wrong checksum says gets a plugin that runs.
func TestTheRemedyOfAWrongChecksumWorks(t *testing.T) {
	t.Parallel()
	wrong := strings.Repeat("0", 64)
	n := prepare(t, func(text string) string {
		return strings.Replace(text, "name = \"health-tcp\"", "name = \"health-tcp\"\nsha256 = \""+wrong+"\"", 1)
	}).start()
	var message string
	n.until("the plugin is rejected", func(s *meshosv1.Snapshot) bool {
		p := plugin(s, "health-tcp")
		message = p.GetMessage()
		return p.GetStatus() == meshosv1.PluginView_STATUS_REJECTED
	})
	remedy := regexp.MustCompile(`put (sha256 = "[0-9a-f]{64}") into its entry in meshos\.toml, then run meshos reload`).FindStringSubmatch(message)
	if remedy == nil {
		t.Fatalf("the message does not say what to do: %s", message)
	}
	text, err := os.ReadFile(n.config)
	if err != nil {
		t.Fatal(err)
	}
	n.write(strings.Replace(string(text), "sha256 = \""+wrong+"\"", remedy[1], 1))
	if out := n.must("reload"); !strings.Contains(out, "Taken over:\n  plugin \"health-tcp\": sha256: ") || strings.Contains(out, "Needs a restart") {
		t.Errorf("reload said:\n%s", out)
	}
	n.until("the plugin runs", func(s *meshosv1.Snapshot) bool {
		return plugin(s, "health-tcp").GetStatus() == meshosv1.PluginView_STATUS_READY
	})
}

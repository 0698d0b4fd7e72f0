package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const unitFile = "../deploy/systemd/meshos.service"

// The page shows the unit and the script as they are shipped.
func TestTheServicePageShowsTheShippedFiles(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/service.md")
	if err != nil {
		t.Fatal(err)
	}
	for language, file := range map[string]string{"ini": unitFile, "sh": "../deploy/systemd/meshos-drain"} {
		shipped, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "```"+language+"\n"+string(shipped)+"```\n") {
			t.Errorf("docs/service.md does not show %s as it is", file)
		}
	}
}

// Keys that the page sets in meshos.toml are keys of meshos.toml.
func TestTheServicePagesConfigurationIsValid(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/service.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```toml\n(.*?)```").FindStringSubmatch(string(page))
	if block == nil {
		t.Fatal("the page has no configuration")
	}
	n := prepare(t)
	n.write(block[1])
	if _, errs, code := n.meshos("validate"); code == 2 || strings.Contains(errs, "unknown") {
		t.Errorf("exit %d\n%s", code, errs)
	}
}

func TestTheUnitIsValid(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		testneeds.Missing(t, "needs systemd-analyze, of systemd: %v", err)
	}
	unit, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	// It is checked that programs exist.
	text := strings.NewReplacer("/usr/local/bin/meshos ", filepath.Join(bin, "meshos")+" ",
		"/usr/local/libexec/meshos-drain", shippedScript(t)).Replace(string(unit))
	path := filepath.Join(dir, "meshos.service")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", path).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, path) && !strings.Contains(line, "Failed to parse service type, ignoring: notify-reload") { // before 253
			t.Errorf("systemd-analyze verify: %s", line)
		}
	}
	if err != nil {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func shippedScript(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../deploy/systemd/meshos-drain")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// drainScript runs the unit's script while the machine is in a state of systemctl's.
func drainScript(t *testing.T, n *node, machine, verb string) {
	t.Helper()
	tools := t.TempDir()
	systemctl := "#!/bin/sh\n[ \"$1\" = is-system-running ] || exit 9\necho " + machine + "\nexit 1\n"
	testkit.Script(t, filepath.Join(tools, "systemctl"), systemctl)
	cmd := exec.Command(shippedScript(t), verb)
	cmd.Env = []string{"PATH=" + tools + ":" + bin + ":/usr/bin:/bin", "MESHOS_CONFIG=" + n.config, "STATE_DIRECTORY=" + n.dir}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("meshos-drain %s: %v\n%s", verb, err, out)
	}
}

// inService reports whether the node has its daemon, and is not cordoned.
func inService(s *meshosv1.Snapshot) bool {
	return len(s.GetDaemons()) > 0 && s.GetDaemons()[0].GetPid() != 0 && !s.GetLocalMaintenance().GetCordoned()
}

func outOfService(s *meshosv1.Snapshot) bool {
	return len(s.GetDaemons()) > 0 && s.GetDaemons()[0].GetPid() == 0 && s.GetLocalMaintenance().GetCordoned()
}

func TestTheUnitDrainsOnlyWhenTheMachineGoesDownAndTakesOnlyItsOwnDrainBack(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	n.until("it is in service", inService)
	before := n.status().GetDaemons()[0].GetPid()

	drainScript(t, n, "running", "down") // as at an upgrade
	n.end()
	n.start()
	drainScript(t, n, "running", "up")
	if s := n.until("it is in service after a restart", inService); s.GetDaemons()[0].GetPid() != before {
		t.Error("the daemon did not go on over a restart of the unit")
	}

	drainScript(t, n, "stopping", "down")
	if s := n.status(); !outOfService(s) {
		t.Errorf("the machine goes down, and the node is not drained: %v", s)
	}
	n.end()
	n.start()
	n.until("it is up", complete)
	drainScript(t, n, "running", "up")
	n.until("it is in service after a reboot", inService)

	n.must("admin", "drain", "--yes", "--unsigned", "--monitor")
	drainScript(t, n, "stopping", "down")
	n.end()
	n.start()
	n.until("it is up", complete)
	drainScript(t, n, "running", "up")
	if s := n.status(); !outOfService(s) {
		t.Errorf("an operator's drain was taken back: %v", s)
	}
}

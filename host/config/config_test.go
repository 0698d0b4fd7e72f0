package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/golden"
	"github.com/meshos/meshos/internal/statetest"
)

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("meshos.toml", text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryKeyReachesItsPlaceAndComesBack(t *testing.T) {
	c, err := config.Load("testdata/good/full.toml")
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("testdata/good")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/good/full.effective", strings.ReplaceAll(c.Effective(), here, "HERE"))
	again, err := config.Parse("testdata/good/full.toml", c.Effective())
	if err != nil {
		t.Fatal(err)
	}
	c.Warnings, again.Warnings = nil, nil
	if diff := cmp.Diff(c, again); diff != "" {
		t.Errorf("read again it differs (-first +again):\n%s", diff)
	}
}

func TestAGoodConfigurationMayHaveWarnings(t *testing.T) {
	c, err := config.Load("testdata/good/full.toml")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, warning := range c.Warnings {
		got = append(got, warning.Key)
	}
	want := []string{"plugin.isolation", "plugin.limits", "plugin.path"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// keys returns the keys of problems.
func keys(list []config.Problem) (out []string) {
	for _, p := range list {
		out = append(out, p.Key)
	}
	return out
}

func TestWhatAnEntryPointsAtIsNoMistakeOfTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "meshos.toml")
	load := func(text string) *config.Config {
		t.Helper()
		if err := os.WriteFile(file, []byte("[node]\nid = 1\nname = \"here\"\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := load(`
[[peer]]
id = 2
name = "twin"
[[peer]]
id = 3
name = "twin"
[[peer]]
id = 4
name = "here"
[[daemon]]
id = 1
name = "a"
command = ["/no/such/program"]
dir = "/no/such/dir"
[[daemon]]
id = 2
name = "a"
command = ["sh"]
health = { type = "exec", command = ["/no/such/check"] }
[[daemon]]
id = 3
command = ["/no/such/program"]
node = 77
[[daemon]]
id = 4
command = ["only-here"]
env = { PATH = "/nowhere" }
[[plugin]]
name = "p"
path = "/no/such/plugin"
`)
	want := []string{
		"peer.name", "peer.name", "daemon.command", "daemon.dir", "daemon.name", "daemon.health.command", "daemon.node", "daemon.command", "plugin.path",
	}
	if diff := cmp.Diff(want, keys(c.Faults)); diff != "" {
		t.Errorf("-want +got:\n%s\n%v", diff, c.Faults)
	}
	if len(c.Unstartable) != 0 {
		t.Errorf("unstartable: %v", c.Unstartable)
	}
	c = load("[[plugin]]\nname = \"p\"\nrequired = true\npath = \"/no/such/plugin\"\n")
	if diff := cmp.Diff([]string{"plugin.path"}, keys(c.Unstartable)); diff != "" || len(c.Faults) != 1 {
		t.Errorf("required: %v, %v", c.Unstartable, c.Faults)
	}
}

func TestDefaultsAreTheDocumentedOnes(t *testing.T) {
	c := parse(t, "[node]\nid = 1\n")
	golden.Check(t, "testdata/good/defaults.effective", strings.Replace(c.Effective(), quoted(c.Node.Name), `"HOST"`, 1))
	if diff := cmp.Diff(statetest.Policy(), c.Policy()); diff != "" {
		t.Errorf("the core's own defaults differ (-core +config):\n%s", diff)
	}
}

func quoted(s string) string { return `"` + s + `"` }

func TestPolicyTakesEveryThreshold(t *testing.T) {
	c, err := config.Load("testdata/good/full.toml")
	if err != nil {
		t.Fatal(err)
	}
	want := state.Policy{
		TickInterval: time.Second,
		SampleTTL:    90 * time.Second, Settle: 0, ActionTimeout: 90 * time.Minute, ActionQueue: 512,
		DegradedRTT: 100 * time.Millisecond, DegradedLoss: 0.35, Failures: 5, RecoverAfter: 30 * time.Second, AvoidTTL: time.Minute, UnreachableGrace: 0,
		DrainDeadline: time.Hour, RecoveryRamp: time.Second, ExitReport: 2*time.Hour + time.Second,
		ScoreFloor: 1, HysteresisGap: 0.25, RebalanceCooldown: time.Minute, DecisionInterval: 10 * time.Second,
		CostPerSecond: 0.001, ForcedTTL: time.Minute,
		Restart: state.RestartPolicy{
			Initial: time.Second, Factor: 1.5, Max: 2 * time.Second, CrashLoopThreshold: 3,
			CrashLoopWindow: 2 * time.Minute, CrashLoopCooldown: time.Minute, StableRun: 10 * time.Second,
		},
		StopGrace: 5 * time.Second,
	}
	if diff := cmp.Diff(want, c.Policy()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func ptr[T any](v T) *T { return &v }

func TestDesiredIsWhatTheFileSaysShouldBe(t *testing.T) {
	c, err := config.Load("testdata/good/full.toml")
	if err != nil {
		t.Fatal(err)
	}
	none := uint32(0)
	hash := func(i int) string { return c.Daemons[i].ProcessHash() }
	want := mesh.Configured{
		Peers: []mesh.ConfiguredPeer{{ID: 8, Name: "eight"}},
		Chains: []mesh.ConfiguredChain{
			{ID: 1, Replicas: &none, Hold: mesh.HoldDrop}, {ID: 2, Hold: mesh.HoldKeep}, {ID: 3}, {ID: 4},
		},
		Daemons: []mesh.ConfiguredDaemon{
			{Daemon: mesh.DaemonRef{ID: 1, Name: "telemetry"}, Essential: true, Node: 8, Checked: true, Config: hash(0), StopGrace: 90 * time.Second, Restart: mesh.RestartOnFailure, RestartUnhealthy: true, Gate: mesh.RestartValues{
				Initial: ptr(time.Second), Factor: ptr(1.5), Max: ptr(2 * time.Second), CrashLoopThreshold: ptr(3),
				CrashLoopWindow: ptr(30 * time.Second), CrashLoopCooldown: ptr(time.Duration(0)), StableRun: ptr(5 * time.Second),
			}},
			{Daemon: mesh.DaemonRef{ID: 2}, Run: true, Checked: true, Config: hash(1), After: []mesh.DaemonID{1}, Requires: []mesh.DaemonID{1}},
		},
	}
	if diff := cmp.Diff(want, c.Desired()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if hash(0) == hash(1) || hash(0) != (config.Daemon{Command: slices.Clone(c.Daemons[0].Command), Env: maps.Clone(c.Daemons[0].Env), Sources: c.Daemons[0].Sources, Dir: c.Daemons[0].Dir, Stop: c.Daemons[0].Stop, Limits: c.Daemons[0].Limits, RunAs: c.Daemons[0].RunAs, PreStart: c.Daemons[0].PreStart, PostStop: c.Daemons[0].PostStop}).ProcessHash() {
		t.Error("the hash does not tell what a process is started with")
	}
}

func TestRelativePathsCountFromTheFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "bin", "plugins"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"bin/daemon", "bin/plugins/probe"} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "meshos.toml")
	const text = "[node]\nid = 1\n[[daemon]]\nid = 1\ncommand = [\"bin/daemon\"]\ndir = \"bin\"\n[[plugin]]\nname = \"probe\"\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.Node.DataDir, c.Node.Socket, c.Daemons[0].Command[0], c.Daemons[0].Dir, c.Plugins[0].Path}
	want := []string{"var", "run/meshos.sock", "bin/daemon", "bin", "bin/plugins/probe"}
	for i := range want {
		want[i] = filepath.Join(dir, want[i])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAFileThatIsNotThereSaysWhatToDo(t *testing.T) {
	_, err := config.Load("testdata/none.toml")
	want := "testdata/none.toml: there is no such file\n" +
		"    say where it is with --config FILE, or start from the meshos.toml that comes with meshos"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := config.Load("testdata"); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: got %v", err)
	}
}

// Ten broken lines are enough to know that this is something else.
func TestAFileThatIsNotTOMLIsNotReportedLineByLine(t *testing.T) {
	_, err := config.Parse("meshos.toml", strings.Repeat("this is: a yaml file\n", 1000))
	if err == nil || strings.Count(err.Error(), "is not TOML") != 11 {
		t.Errorf("got %v", err)
	}
}

// Refusing some hundred kilobytes of brackets or dots must not take gigabytes of memory,
// nor some megabytes more stack than there is.
func TestDeepNestingIsRefusedBeforeItIsRead(t *testing.T) {
	const deep, deeper = 100_000, 12_000_000
	for name, line := range map[string]string{
		"lists":     "x = " + strings.Repeat("[", deep) + strings.Repeat("]", deep),
		"open list": "x = " + strings.Repeat("[", deeper),
		"tables":    "x = " + strings.Repeat("{a=", deeper),
		"key":       strings.Repeat("a.", deep) + "b = 1",
		"header":    "[" + strings.Repeat("a.", deep) + "b]",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("meshos.toml", "[node]\nid = 1\n"+line+"\n")
			if err == nil || err.Error() != "meshos.toml:3: is not a configuration: a key or list is nested too deeply" {
				t.Errorf("%.200v", err)
			}
		})
	}
}

// What acts counts only when the entry asks for it: validate says so of the plugins that
// come with meshos, and of its examples.
func TestAnEntryThatDoesNotAskForWhatItsPluginDoesIsWarnedOf(t *testing.T) {
	for entry, want := range map[string]string{
		`name = "appender-jsonl"`:                               "does not have chain_appender",
		`name = "x"` + "\npath = \"run-command\"":               "does not have actuator",
		`name = "tail-events"`:                                  "does not have event_source",
		`name = "tail-events"` + "\nkinds = [\"event_source\"]": "",
		`name = "tail-events"` + "\nevents = [\"facts\"]":       "",
		`name = "tail-events"` + "\nenabled = false":            "",
		`name = "health-tcp"`:                                   "",
	} {
		c, err := config.Parse("meshos.toml", "[node]\nid = 1\n[[plugin]]\n"+entry+"\n")
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case want == "" && len(c.Warnings) > 0:
			t.Errorf("%s: warnings %v", entry, c.Warnings)
		case want != "" && (len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].String(), want)):
			t.Errorf("%s: warnings %v, want one: %s", entry, c.Warnings, want)
		}
	}
}

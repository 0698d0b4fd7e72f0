package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

// shortDir returns a configuration file in a folder whose path is short enough for a socket.
func shortDir(t *testing.T, text string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "meshos")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "meshos.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestANodeRunsUntilItIsInterrupted(t *testing.T) {
	file := shortDir(t, "[node]\nid = 7\nlisten = \"\"\n[loop]\ntick_interval = \"20ms\"\n"+
		"[[plugin]]\nname = \"no-plugin\"\npath = \"/bin/false\"\n") // a plugin that fails does not stop the node
	var runs shell
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() { ended <- runs.run(ctx, "run", "-c", file) }()
	testkit.Until(t, "a status", func() bool {
		var s shell
		return s.run(t.Context(), "status", "-c", file) == exitDone && strings.Contains(s.out.String(), "node 7")
	})
	var second shell
	if code := second.run(t.Context(), "run", "-c", file); code != exitFailed || !strings.Contains(second.err.String(), "in use") {
		t.Errorf("a second node on the same data: exit code %d: %s", code, second.err.String())
	}
	stop()
	if code := <-ended; code != exitDone {
		t.Errorf("exit code %d: %s", code, runs.err.String())
	}
	if !strings.HasPrefix(runs.err.String(), `{"time":`) {
		t.Errorf("not on a terminal the log is JSON, got: %s", runs.err.String())
	}
}

func TestANodeDoesNotStartWithMistakesInItsConfiguration(t *testing.T) {
	file := shortDir(t, "[node]\nid = 0\nlisten = 7\n")
	for _, command := range []string{"run", "validate"} {
		var s shell
		code := s.run(t.Context(), command, "-c", file)
		want := "meshos: the configuration has 2 mistakes\n" +
			file + ":2: node.id: must not be 0\n    ids start at 1\n" +
			file + ":3: node.listen: must be text in quotes, is the number 7\n"
		if code != exitUsage || s.err.String() != want {
			t.Errorf("%s: exit code %d: %s", command, code, s.err.String())
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), "var")); !os.IsNotExist(err) {
		t.Errorf("a data directory was made: %v", err)
	}
}

func TestValidateOfAGoodConfiguration(t *testing.T) {
	file := shortDir(t, "[node]\nid = 7\nname = \"n\"\n[[peer]]\nid = 2\n")
	var s shell
	if code := s.run(t.Context(), "validate", file); code != exitDone ||
		s.out.String() != file+" is valid: node 7, 1 peer, 0 chains, 0 daemons, 0 plugins\n" {
		t.Errorf("exit code %d: %s", code, s.out.String())
	}
	var effective shell
	if code := effective.run(t.Context(), "validate", "--effective", file); code != exitDone ||
		!strings.Contains(effective.out.String(), `tick_interval = "500ms"`) {
		t.Errorf("exit code %d: %s", code, effective.out.String())
	}
}

func TestTheLogForPeople(t *testing.T) {
	var out plugintest.Buffer
	log, err := (&app{err: &out, env: func(string) string { return "" }}).logger(&out, "info", "text")
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("not this")
	log.With("plugin", "x").WithGroup("g").Warn("it said\x1b[2J", "what", "two words", "n", 1)
	got := out.String()
	if _, rest, _ := strings.Cut(got, " "); rest != "WARN  it said\uFFFD[2J plugin=x g.what=\"two words\" g.n=1\n" {
		t.Errorf("got %q", got)
	}
}
